"""How the processes beside the first find out what to learn: it calls them in for each training, and lets them go."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hmgc_core.errors import HmgcError, OutOfMemory
from hmgc_core.learning.processes import Processes
from hmgc_core.learning.training import fit
from hmgc_core.records import RunConfig, Sample
from hmgc_core.taxonomy import Taxonomy


@dataclass(frozen=True)
class Training:
    """What `fit` is to be called with."""

    config: RunConfig
    taxonomy: Taxonomy
    train: Sequence[Sample]
    valid: Sequence[Sample]
    folder: Path
    cache: Path


def call_in(processes: Processes, training: Training | None) -> None:
    """Said by the first process: call `fit` with me, with these arguments; or, for None, go home."""
    processes.from_first(lambda: training)


def join_in(processes: Processes) -> None:
    """All that a process beside the first does: learn what it is called in for, until it is let go.

    Errors that all processes meet alike are for the first to tell; of any other this process ends, and with it all.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the first one hears them too, saves, and lets the others go
    while (training := processes.from_first(_nothing)) is not None:
        try:
            fit(
                training.config,
                training.taxonomy,
                training.train,
                training.valid,
                folder=training.folder,
                cache=training.cache,
                processes=processes,
            )
        except OutOfMemory:
            raise
        except HmgcError:
            continue


def _nothing() -> Training | None:
    return None
