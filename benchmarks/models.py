"""The table of models: the same pictures, backbone, views and steps for all, several seeds, trained in pieces.

    python benchmarks/models.py [--workspace cifar|grocery|drawn|…|DIR] [--budget short|long] [--seeds N]
                                [--share 0.9] [--row hrn] [--processes 2] [--minutes M] [--report] [--json]

Each finished training is one line of docs/results/models.jsonl at once; an interrupted one goes on where it was with
the next call, and what failed is tried again. Options that name things may be given several times; without them, all.
--report writes docs/results.md, docs/results/models.json and the plots from the lines that are there; no training.
Photos are read from the folder HMGC_SHARED (default ../shared), under data. The whole table takes many hours.
"""

import argparse
import json
import os
import sys
import time
import uuid
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from table import journal
from table.cells import ASKED_FOR, LONG, SHARES, SHORT, Wishes
from table.figures import as_json, table_of
from table.rows import WAYS
from table.sets import ROOT, SETS
from table.work import Order, planner, work

from hmgc_core.errors import HmgcError

RESULTS = ROOT / "docs" / "results"


def main() -> None:
    arguments = _arguments()
    order = Order(
        wishes=Wishes(
            workspaces=tuple(arguments.workspace or ASKED_FOR),
            rows=tuple(arguments.row or WAYS),
            shares=tuple(arguments.share or SHARES),
            budgets=tuple(arguments.budget or (LONG, SHORT)),
            seeds=arguments.seeds,
            epochs=arguments.epochs,
        ),
        journal=arguments.journal,
        folder=arguments.folder,
        session=uuid.uuid4().hex[:8],
        pictures=arguments.pictures,
        ends_at=time.time() + 60 * arguments.minutes if arguments.minutes is not None else None,
    )
    try:
        if arguments.report:
            report(arguments.journal, arguments.results)
        elif not arguments.json:
            work(order, arguments.processes)
            tell_state(order)
        if arguments.json:
            print(json.dumps(as_json(table_of(journal.read(arguments.journal)))))
    except HmgcError as error:
        sys.exit(f"error: {error}\nremedy: {error.remedy}")


def report(lines: Path, folder: Path) -> None:
    """Write what the lines give: the page beside the folder, the rest into it."""
    from table.writing import write  # noqa: PLC0415 - draws

    table = write(journal.read(lines), page=folder.with_suffix(".md"), folder=folder)
    print(f"{sum(map(len, table.answers.values()))} cells in {folder.with_suffix('.md')}", file=sys.stderr)


def tell_state(order: Order) -> None:
    """How many cells have their answer."""
    plan, lines = planner(order), journal.read(order.journal)
    cells = order.wishes.cells()
    answered = sum(plan.answer(cell, lines) is not None for cell in cells)
    print(f"{answered} of {len(cells)} cells are answered; {len(lines)} trainings in {order.journal}")
    for line in lines.values():
        if "error" in line:
            asked = "{workspace} {row} {share:g} {budget} seed {seed} lr {lr:g}".format(**line)
            print(f"failed: {asked}: {line['error']}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", action="append", help=f"{', '.join(SETS)}, or the folder of a workspace")
    parser.add_argument("--budget", action="append", choices=(SHORT, LONG))
    parser.add_argument("--seeds", type=int, help="how many, from 0 on; else as many as each workspace has")
    parser.add_argument("--share", action="append", type=float, help="share of the labels made coarse")
    parser.add_argument("--row", action="append", choices=tuple(WAYS))
    parser.add_argument("--processes", type=int, default=2, help="of one thread each")
    parser.add_argument("--minutes", type=float, help="stop in time after so many")
    parser.add_argument("--report", action="store_true", help="train nothing, write what there is")
    parser.add_argument("--json", action="store_true", help="train nothing, print the figures that there are")
    parser.add_argument("--pictures", type=int, help="of each part at most so many, to try it out")
    parser.add_argument("--epochs", type=int, help="instead of the budgets' own, to try it out")
    parser.add_argument("--journal", type=Path, default=RESULTS / "models.jsonl", help="where the lines are")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the report; the page stands beside it")
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "table", help="for pictures and unfinished work")
    return parser.parse_args()


if __name__ == "__main__":
    main()
