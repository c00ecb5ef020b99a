"""The processes of `hmgc` that work in the background, on their own or as several that learn together."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from hmgc_core import settings
from hmgc_core.ending import end_with_server
from hmgc_core.presence import be_polite, owner_name, present
from hmgc_core.terminal import WorkspaceOption, open_or_make
from hmgc_core.workflow.workspaces import Workspace


def worker(
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="How many learn a training together.")] = int(
        settings.setting("HMGC_PROCESSES")
    ),
    workspace: WorkspaceOption = None,
) -> None:
    """Train what is queued, until Ctrl-C."""
    be_polite()
    together = "TORCHELASTIC_RUN_ID" in os.environ
    if together and os.environ["RANK"] != "0":
        _join_in()  # before the workspace is opened: the first process alone looks into the database
        return
    ws = open_or_make(workspace)
    if processes > 1 and not together:
        _start_together(processes, ws, once=once)
    end_with_server()
    with present(ws, "worker", owner_name()):  # from the first moment on: torch takes seconds to import
        from hmgc_core import worker as room  # noqa: PLC0415
        from hmgc_core.learning.processes import launched  # noqa: PLC0415

        others = launched()
    room.work(ws, once=once, processes=others)


def inspector(workspace: WorkspaceOption = None) -> None:
    """Make heatmaps for the pages, until Ctrl-C."""
    ws = open_or_make(workspace)
    be_polite()
    end_with_server()
    with present(ws, "inspector", owner_name()):  # from the first moment on: torch takes seconds to import
        from hmgc_core import inspection  # noqa: PLC0415
    inspection.inspect_forever(ws)


def _start_together(processes: int, ws: Workspace, *, once: bool) -> NoReturn:
    """Become torchrun, which starts this command several times."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    again = ["-m", "hmgc_core", "worker", "--workspace", str(ws.folder), *(["--once"] if once else [])]
    threads = int(settings.setting("HMGC_THREADS")) or os.cpu_count() or 1
    # Said by us, torchrun does not warn that it gives each process a single thread.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, threads // processes)))
    os.execv(sys.executable, [sys.executable, *torchrun, *again])  # noqa: S606 - our own program and plain words


def _join_in() -> None:
    """Learn with the worker, which torchrun started too."""
    from hmgc_core.learning.processes import launched  # noqa: PLC0415 - torch takes seconds to import
    from hmgc_core.learning.together import join_in  # noqa: PLC0415

    join_in(launched())
