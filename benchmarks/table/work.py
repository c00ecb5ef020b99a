"""Carry out the trainings of the table by several processes that share the journal, until all is done or time is up."""

import contextlib
import fcntl
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from table import journal, sets
from table.cells import Planner, Training, Wishes

WAIT_S = 5.0  # until another process has finished what this one waits for
NICENESS = 10


@dataclass(frozen=True)
class Order:
    """One call of the benchmark. folder: pictures, unfinished trainings, claims. ends_at: by the clock, None for never.

    pictures: of each part at most, None for all. session: names this call.
    """

    wishes: Wishes
    journal: Path
    folder: Path
    session: str
    pictures: int | None = None
    ends_at: float | None = None


def work(order: Order, processes: int) -> bool:
    """Work on the order, as a neighbour that gives way. Returns whether nothing is left that can be done.

    A signal to end (Ctrl-C, SIGTERM) ends it at the next batch; what is unfinished goes on with the next call.
    """
    for name in order.wishes.workspaces:  # once, before several want it
        sets.load(name, order.folder)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(order,)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    with _hearing_the_end() as should_end:
        while any(worker.is_alive() for worker in workers):
            if should_end():
                for worker in workers:
                    worker.terminate()
            time.sleep(0.2)
    return all(worker.exitcode == 0 for worker in workers)


def planner(order: Order) -> Planner:
    """The plan on the order's sets."""
    given = {name: sets.load(name, order.folder, pictures=order.pictures) for name in order.wishes.workspaces}
    return Planner(order.wishes, given)


def _work(order: Order) -> None:
    """One process: the next training that nobody else is at, again and again. Exits with 3 when it was ended early."""
    os.nice(NICENESS)
    import torch  # noqa: PLC0415 - one thread a process: these nets are too small for more

    torch.set_num_threads(1)
    plan = planner(order)
    parent = os.getppid()
    with _hearing_the_end() as told:

        def should_stop() -> bool:
            late = order.ends_at is not None and time.time() > order.ends_at
            return late or told() or os.getppid() != parent

        while not should_stop():
            lines = journal.read(order.journal)
            tried = {name for name, line in lines.items() if line.get("session") == order.session}
            with _next_claimed(plan, order, tried) as (training, anything):
                if not anything:
                    return
                if training is not None:
                    _carry_out(training, plan, order, should_stop)
            if training is None:
                time.sleep(WAIT_S)
    sys.exit(3)


@contextlib.contextmanager
def _next_claimed(plan: Planner, order: Order, tried: set[str]) -> Iterator[tuple[Training | None, bool]]:
    """(the next training, claimed while the block runs, and whether there is anything to do or to wait for)."""
    taken: set[str] = set(tried)
    while (training := plan.next(journal.read(order.journal), taken)) is not None:
        with _claim(order.folder / "claims" / training.id) as mine:
            # Another may have finished it between the look and the claim.
            if mine and plan.next(journal.read(order.journal), taken) == training:
                yield training, True
                return
        taken.add(training.id)
    yield None, len(taken) > len(tried)


@contextlib.contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Whether this process may have it; let go of at the end of the block, or of the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _carry_out(training: Training, plan: Planner, order: Order, should_stop: Callable[[], bool]) -> None:
    """Train and write the line; an error becomes a line too, and the work goes on."""
    from hmgc_core.errors import Diverged  # noqa: PLC0415
    from table.training import Stopped, carry_out, failed  # noqa: PLC0415 - torch takes seconds to import

    pictures = plan.sets[training.cell.workspace]
    given = {"workspace": pictures.name, "data": pictures.content, "answers": plan.answered_by(training)}
    started = time.monotonic()
    try:
        line = carry_out(
            training,
            pictures,
            folder=order.folder / "unfinished" / training.id,
            cache=order.folder / "cache",
            should_stop=should_stop,
        )
    except Stopped:
        tell(training, "stopped, goes on with the next call")
        return
    except Exception as error:  # whatever it is: the other cells are still worth having
        traceback.print_exc()
        line = failed(training, error, diverged=isinstance(error, Diverged), session=order.session)
    journal.append(order.journal, {**line, **given})
    what = (
        line.get("error")
        or f"leaf accuracy {line['test']['leaf_accuracy']:.3f} (val {line['val']['leaf_accuracy']:.3f})"
    )
    tell(training, f"{what}, {time.monotonic() - started:.0f} s")


def tell(training: Training, what: str) -> None:
    """One line for whoever watches."""
    cell = training.cell
    print(
        f"{time.strftime('%H:%M:%S')} {cell.workspace} {cell.row} {cell.share:g} {cell.budget} seed {cell.seed} "
        f"lr {training.config.lr:g}: {what}",
        file=sys.stderr,
        flush=True,
    )


@contextlib.contextmanager
def _hearing_the_end() -> Iterator[Callable[[], bool]]:
    """Within the block, signals to end are only noted."""
    heard: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(heard)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
