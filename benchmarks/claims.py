"""Whether the docs claim only what the table of models shows.

    python benchmarks/claims.py [--json]

A sentence with a figure of the table carries a mark beside it, which readers do not see:

    <!-- claim: workspace=cifar budget=long relabel=0.9 model=hrn metric=leaf_accuracy mean=0.21 -->
    <!-- claim: workspace=cifar budget=long relabel=0.9 a=self_taught b=best metric=leaf_accuracy mean>=0.02 low>0 -->

It names one row, or one difference a minus b (b=best: the best honest baseline on validation), and what has to hold of
its mean, low, high or seeds: >=, <=, >, <, or = for a figure rounded as it is written. Marks in README.md and in docs
are looked up in docs/results/models.json, which has to be what docs/results/models.jsonl gives.
"""

import argparse
import json
import operator
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from table import journal
from table.figures import table_of
from table.writing import json_text

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)  # examples of marks claim nothing
MARK = re.compile(r"<!--\s*claim:(.*?)-->", re.DOTALL)
BOUND = re.compile(r"(mean|low|high|seeds)(>=|<=|=|>|<)(-?[0-9.]+)")
NAMED = re.compile(r"(workspace|budget|model|a|b|metric)=[^=]+|relabel=[0-9.]+")
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
Figures = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Claim:
    """One mark. place: file and line. text: as it is written."""

    place: str
    text: str

    def trouble(self, figures: Figures) -> str:
        """Why the figures do not bear it, "" where they do."""
        words = self.text.split()
        bounds = [match for word in words if (match := BOUND.fullmatch(word))]
        named = dict(word.split("=") for word in words if NAMED.fullmatch(word))
        if len(bounds) + len(named) < len(words) or not bounds:
            return "cannot be read: name one figure, and what holds of its mean, low, high or seeds"
        found = [figure for figure in figures["differences" if "a" in named else "rows"] if _is_named(figure, named)]
        if len(found) != 1:
            return f"names {len(found)} figures of the table"
        broken = [bound.group() for bound in bounds if not _holds(found[0][bound[1]], bound[2], bound[3])]
        said = ", ".join(f"{name} {found[0][name]}" for name in ("mean", "low", "high", "seeds"))
        return f"says {' and '.join(broken)}, and the figures {said}" if broken else ""


def claims(root: Path) -> Iterator[Claim]:
    """Every mark in README.md and docs below root."""
    for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        text = FENCED.sub(lambda block: "\n" * block.group().count("\n"), text)
        for match in MARK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Claim(f"{path.relative_to(root)}:{line}", " ".join(match[1].split()))


def troubles(root: Path) -> list[str]:
    """What is claimed and not shown, one text each; and figures that are not those of the journal."""
    results = root / "docs" / "results"
    made = results / "models.json"
    text = made.read_text(encoding="utf-8") if made.exists() else json_text(table_of({}))
    told = []
    if text != json_text(table_of(journal.read(results / "models.jsonl"))):
        told.append("docs/results/models.json is not what models.jsonl gives: run hmgc benchmark models --report")
    figures: Figures = json.loads(text)
    found = [(claim, claim.trouble(figures)) for claim in claims(root)]
    return told + [f"{claim.place}: {claim.text}: {trouble}" for claim, trouble in found if trouble]


def _is_named(figure: dict[str, Any], named: dict[str, str]) -> bool:
    for name, value in named.items():
        if (name, value) == ("b", "best"):
            fits = figure["b_is_best_baseline"]
        elif name == "relabel":
            fits = figure[name] == float(value)
        else:
            fits = figure.get(name) == value
        if not fits:
            return False
    return True


def _holds(value: float | None, sign: str, bound: str) -> bool:
    if value is None:
        return False
    if sign == "=":
        digits = len(bound.partition(".")[2])
        return abs(value - float(bound)) <= 0.5 * 10**-digits + 1e-12
    return bool(COMPARE[sign](value, float(bound)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout whose docs are read")
    arguments = parser.parse_args()
    found = troubles(arguments.root)
    made = sum(1 for _ in claims(arguments.root))
    if arguments.json:
        print(json.dumps({"claims": made, "troubles": found}))
    else:
        print("\n".join([*found, f"{made} claims, {len(found)} not shown"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
