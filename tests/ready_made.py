"""Processes that start at once: real ones, each a copy of one that has everything imported already."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from app.server.lifespan import HEAVY

# Importing takes seconds, on a busy machine many: it is done once.
_READY_MADE = multiprocessing.get_context("forkserver")
APP = ["streamlit.web.cli", "app.server.lifespan", "app.server.routes", *HEAVY]
CORE = ["hmgc_core.cli", "hmgc_core.worker", "hmgc_core.learning.training", "hmgc_core.learning.cam", "alembic.command"]
_READY_MADE.set_forkserver_preload([*APP, *CORE])


def start(
    act: Callable[..., None], *arguments: object, out: Path, err: Path, environment: dict[str, str] | None = None
) -> BaseProcess:
    """act(*arguments) in a process of its own, whose streams go to the ends of two files; not waited for."""
    given = {**os.environ, **(environment or {})}
    process = _READY_MADE.Process(target=_run, args=(act, arguments, out, err, given), daemon=True)
    # A page that ran in this process under AppTest has left its script as the main module, and a new process runs the
    # main module of the one it comes from before all else.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main
    return process


def start_hmgc(*arguments: str, out: Path, err: Path, environment: dict[str, str] | None = None) -> BaseProcess:
    """The command line with these arguments. A warning about what is out of date is an error."""
    return start(_hmgc, *arguments, out=out, err=err, environment=environment)


def end(process: BaseProcess) -> None:
    """It is over, at the latest now."""
    process.kill()
    process.join()


def _run(
    act: Callable[..., None], arguments: tuple[object, ...], out: Path, err: Path, environment: dict[str, str]
) -> None:
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream)
    os.environ.clear()
    os.environ.update(environment)
    act(*arguments)


def _hmgc(*arguments: str) -> None:
    from hmgc_core.cli import main

    warnings.filterwarnings("error", category=DeprecationWarning, module="hmgc_core")
    sys.argv = ["hmgc", *arguments]
    main()
