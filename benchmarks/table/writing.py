"""The table as pages: docs/results.md for people, docs/results/models.json for programs, and the plots."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from table import plots
from table.cells import LONG, RATES, SHORT, Wishes
from table.figures import Line, Mean, Place, Table, as_json, table_of
from table.goals import GOALS, PLACE, Outcome, outcomes
from table.rows import BATCH_SIZE, IMAGE_SIZE, ROWS
from table.trials import Effect, Trial, effects, trials

MISSING = "–"
# metric -> (heading, digits, what it says)
COLUMNS = {
    "leaf_accuracy": ("finest right", 3, "pictures whose class at the finest level is right (`leaf_accuracy`)"),
    "full_path_accuracy": ("whole path", 3, "every level right, each answered as the model's authors do"),
    "tice": ("broken", 3, "answers whose levels contradict each other (`tice`)"),
    "info_recall_at_95_tempered": (
        "told at 95 %",
        3,
        "what answers tell that are cut back until 95 % are right (`info_recall_at_95`), by shown certainties",
    ),
    "ac_info_tempered": ("AC(info)", 3, "the area under that curve (`ac_info`), by shown certainties"),
    "ece_node_tempered": ("ECE", 3, "`ece_node` of shown certainties, after the temperature fitted on validation"),
    "ece_node": ("ECE before", 3, "`ece_node` of the model's own probabilities, before any temperature"),
    "seconds": ("seconds", 0, "processor time of a training, its validations included"),
    "images_per_s": ("pictures/s", 0, "trained in a second of processor time, by one thread"),
}


def write(journal: Mapping[str, Line], *, page: Path, folder: Path) -> Table:
    """Write the page, and into the folder models.json and the plots. Equal journals give equal files."""
    table = table_of(journal)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.json").write_text(json_text(table), encoding="utf-8")
    names = [path.name for path in plots.draw(table, folder)]
    drawn = [{"words": plots.WORDS[name], "path": f"{folder.name}/{name}"} for name in names]
    page.write_text(_page(table, journal, drawn), encoding="utf-8")
    return table


def json_text(table: Table) -> str:
    """What models.json holds: one line for each figure, so that a change shows where it is."""
    parts = []
    for name, rows in as_json(table).items():
        parts.append(f' "{name}": [' + ",".join(f"\n  {json.dumps(row)}" for row in rows) + "]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _page(table: Table, journal: Mapping[str, Line], drawn: list[dict[str, str]]) -> str:
    cells = Wishes().cells()
    # Markdown, not HTML; what comes from outside goes through `_plain`.
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, autoescape=False
    )
    return pages.get_template("page.md.j2").render(
        image_size=IMAGE_SIZE,
        batch_size=BATCH_SIZE,
        rows=list(ROWS.values()),
        asked=len(cells),
        answered=sum(one.seed in table.seeds(one.workspace, one.row, one.share, one.budget) for one in cells),
        budgets=_budgets(table),
        circumstances=_circumstances(journal),
        goals=[f"{goal.words}: {100 * goal.least:+g}" for goal in GOALS],
        outcomes=_outcomes(table),
        plots=drawn,
        columns=[(heading, words) for heading, _, words in COLUMNS.values()],
        tables=[
            _one_table(table, workspace, share, budget)
            for workspace in table.workspaces
            for budget in (LONG, SHORT)
            for share in reversed(table.shares)
            if _has_been_begun(table, workspace, share, budget)
        ],
        trials=[_trial(one) for one in trials(table)],
        effects=[_effect(one) for one in effects(table)],
        rates=[f"{rate:g}" for rate in RATES],
        tried=_tried(table),
        failures=[_failure(line) for line in journal.values() if "error" in line],
    )


def _budgets(table: Table) -> list[str]:
    return [f"{_plain(name)} {budget} {epochs} epochs" for (name, budget), epochs in sorted(table.epochs.items())]


def _circumstances(journal: Mapping[str, Line]) -> list[str]:
    named = ("machine", "device", "torch", "version", "code")
    lines = [tuple(line[name] for name in named) for line in journal.values() if "error" not in line]
    words = "{0} trainings: {1}, {2}, torch {3}, version {4}, code {5}"
    return [words.format(count, *where) for where, count in Counter(lines).items()]


def _outcomes(table: Table) -> list[list[str]]:
    """A line for each candidate at each workspace and budget with a figure, a cell for each goal."""
    lines = []
    for (workspace, budget, candidate), group in groupby(outcomes(table), key=attrgetter(*PLACE)):
        told = list(group)
        seeds = sorted({one.found.seeds for one in told if one.found})
        if seeds:
            place = [_plain(workspace), budget, f"`{candidate}`", " or ".join(map(str, seeds))]
            lines.append([*place, *map(_outcome, told)])
    return lines


def _outcome(one: Outcome) -> str:
    against = "" if one.goal.against or not one.against else f", `{one.against}`"
    words = _points(one.found)
    return (f"**{words}**" if one.is_met else words) + against


def _trial(one: Trial) -> list[str]:
    return [f"`{one.row.name}`", one.row.words, f"`{one.row.of}`", *map(_signed, one.differences.values())]


def _effect(one: Effect) -> list[str]:
    return [f"`{one.factor}`", f"{one.value:g}", f"{one.own:g}", *map(_points, one.differences.values())]


def _has_been_begun(table: Table, workspace: str, share: float, budget: str) -> bool:
    """A training here says something about labels of this share, not only about exact ones, which every share has."""
    lines = {row.name: table.seeds(workspace, row.name, share, budget) for row in ROWS.values()}
    exact = [line["id"] for row in ROWS.values() if row.all_leaf for line in lines[row.name].values()]
    return any(line["id"] not in exact for found in lines.values() for line in found.values())


def _one_table(table: Table, workspace: str, share: float, budget: str) -> dict[str, Any]:
    rows = []
    for row in ROWS:
        seeds = len(table.seeds(workspace, row, share, budget))
        if seeds or not ROWS[row].once:
            found = [table.mean(workspace, row, share, budget, metric) for metric in COLUMNS]
            figures = [_figure(mean, digits) for mean, (_, digits, _) in zip(found, COLUMNS.values(), strict=True)]
            rows.append([f"`{row}`", str(seeds or MISSING), *figures])
    epochs = table.epochs[workspace, budget]
    return {"title": f"{_plain(workspace)}, {share:.0%} made coarse, {budget}: {epochs} epochs", "rows": rows}


def _figure(found: Mean | None, digits: int) -> str:
    if found is None:
        return MISSING
    half = "" if found.high is None else f" ± {found.high - found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f}{half}"


def _signed(found: Mean | None) -> str:
    """Points of a hundred with the interval and the number of seeds."""
    return MISSING if found is None else f"{_points(found)}, {found.seeds} {'seed' if found.seeds == 1 else 'seeds'}"


def _points(found: Mean | None) -> str:
    """Points of a hundred with the interval."""
    if found is None:
        return MISSING
    ends = "" if found.low is None or found.high is None else f" ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return f"{100 * found.mean:+.1f}{ends}"


def _tried(table: Table) -> list[list[str]]:
    def cell(known: dict[float, float], rate: float, chosen: float | None) -> str:
        if rate not in known:
            return MISSING
        said = f"{known[rate]:.3f}" if math.isfinite(known[rate]) else "diverged"
        return f"**{said}**" if rate == chosen else said

    def turn(place: Place) -> tuple[int, str, float, int]:
        workspace, row, share, budget = place
        return table.workspaces.index(workspace), budget, share, list(ROWS).index(row)

    return [
        [
            *(_plain(place[0]), f"`{place[1]}`", f"{place[2]:.0%}", place[3]),
            *(cell(table.tried[place], rate, table.rates.get(place)) for rate in RATES),
        ]
        for place in sorted(table.tried, key=turn)
    ]


def _failure(line: Line) -> str:
    asked = "{workspace}, `{row}`, {share:.0%}, {budget}, seed {seed}, learning rate {lr:g}".format(**line)
    return f"{_plain(asked)}: {_plain(line['error'])}"


def _plain(text: str) -> str:
    """On one line, and no cell border."""
    return " ".join(text.replace("|", "/").split())
