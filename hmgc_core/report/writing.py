"""A run's report as one HTML file, and its model card as Markdown: the facts in their templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hmgc_core.durable_files import write_durably
from hmgc_core.errors import OutputError
from hmgc_core.given_paths import given_path
from hmgc_core.metrics.words import by_group, figures, main_figures, number, percent
from hmgc_core.records import OnProgress, quiet
from hmgc_core.report import drawing
from hmgc_core.report.facts import Facts, gather
from hmgc_core.workflow.coarse_labels import ARMS, MEANINGS, in_words
from hmgc_core.workflow.workspaces import Workspace

HTML, CARD = ".html", ".md"
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#$&])")
SPLITS = {"train": "training", "val": "validation", "test": "test"}


def write(ws: Workspace, run_id: int, out: Path, *, on_progress: OnProgress = quiet) -> Path:
    """Write what the ending of `out` says: `.html` the report, `.md` the model card. Returns the file.

    Raises UnknownRun, CheckpointError where the run has no model, OutputError for another ending or where the file
    cannot be written; then nothing is left.
    """
    out = given_path(out).absolute()
    if out.suffix.lower() not in (HTML, CARD):
        raise OutputError(
            f"{out.name} is neither a report nor a model card", remedy="give a name that ends in .html or .md"
        )
    facts = gather(ws, run_id, on_progress=on_progress)
    text = html(facts) if out.suffix.lower() == HTML else card(facts)
    write_durably(out, text.encode())
    return out


def html(facts: Facts) -> str:
    """The report: one page that fetches nothing and runs nothing. Every text in it is escaped."""
    environment = Environment(autoescape=True, **_TEMPLATES)
    environment.filters |= _FILTERS
    return environment.get_template("report.html.j2").render(facts=facts, draw=_drawings(facts), **_words(facts))


def card(facts: Facts) -> str:
    """The model card: what it is for, what it learned from, how good it is, where it ends. Every text is escaped."""
    # What escapes HTML knows nothing of Markdown: each value goes through `_as_text` instead.
    environment = Environment(autoescape=False, finalize=_as_text, **_TEMPLATES)  # noqa: S701
    environment.filters |= _FILTERS
    return environment.get_template("card.md.j2").render(facts=facts, **_words(facts))


def _as_text(value: object) -> object:
    """A value as Markdown that says no more than its letters: no link, picture, markup or new cell of a table.

    A bare address is cut by an invisible joiner, so that it turns into no link.
    """
    if isinstance(value, Markup | int | float):
        return value
    escaped = _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
    return escaped.replace("://", ":\u2060//").replace("www.", "www\u2060.").replace("@", "\u2060@")


def _one_percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _exact(name: str) -> Markup:
    """A name or hash of our own, as code."""
    return Markup("`{}`").format(name)


_TEMPLATES: dict[str, Any] = {
    "loader": PackageLoader("hmgc_core.report"),
    "undefined": StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
}
_FILTERS = {
    "percent": percent,
    "one_percent": _one_percent,
    "points": in_words,
    "plural": number,
    "exact": _exact,
}


def _words(facts: Facts) -> dict[str, Any]:
    """What both templates say in the words of the screen."""
    measured = facts.run.metrics
    splits = [split for split in ("test", "val") if measured.get(split)]
    return {
        "main": main_figures(measured[splits[0]]) if splits else [],
        "measured": [(split, by_group(figures(measured[split])), measured[split].get("images")) for split in splits],
        "split_words": SPLITS,
        "arms": ARMS,
        "meanings": MEANINGS,
        "levels": [_level(level, facts.taxonomy.depth) for level in range(facts.taxonomy.depth + 1)],
    }


def _level(level: int, depth: int) -> str:
    if level == 0:
        return "Root: cannot tell"
    end = " (coarsest)" if level == 1 and depth > 1 else " (finest)" if level == depth and depth > 1 else ""
    return f"Level {level}{end}"


def _drawings(facts: Facts) -> Mapping[str, Any]:
    depth = facts.taxonomy.depth
    names = [_level(level, depth) for level in range(depth + 1)]
    shares = [list(epoch.metrics.get("level_accuracy") or []) for epoch in facts.epochs]
    right = {names[level + 1]: [row[level] if level < len(row) else None for row in shares] for level in range(depth)}
    drawn: dict[str, Any] = {
        **dict.fromkeys(("right", "loss", "reliability", "first_wrong")),
        "names": names[1:],
        "labels": drawing.bars(
            [(names[level], count) for level, count in facts.levels], alt="Training labels at each level"
        ),
    }
    if any(shares):
        drawn["right"] = drawing.curves(right, shares=True, alt="Right on validation pictures, by epoch and level")
    if facts.epochs:
        losses = {"loss": [epoch.train_loss for epoch in facts.epochs]}
        drawn["loss"] = drawing.curves(losses, shares=False, alt="Training loss by epoch")
    if facts.exam and facts.exam.bins:
        drawn["reliability"] = drawing.reliability(facts.exam.bins, alt="Share of right answers over their certainty")
    if facts.exam:
        counts = facts.exam.first_wrong
        rows = [("Nowhere: right as far as the label goes", counts[0])]
        rows += [(f"At {name[:1].lower()}{name[1:]}", count) for name, count in zip(names[1:], counts[1:], strict=True)]
        drawn["first_wrong"] = drawing.bars(rows, alt="Pictures by the first level at which the answer is wrong")
    return drawn
