"""Start the worker, the inspector and the app as processes of their own, keep them up, and end them together."""

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import FrameType

from hmgc_core.durable_files import not_written
from hmgc_core.ending import SERVED_BY, on_end_signals
from hmgc_core.errors import WorkspaceError

ENTRY = Path(__file__).parents[1] / "streamlit_app.py"
GRACE_S = 30.0
PORTS_TRIED = 50


def free_port(host: str, first: int) -> int:
    """The first free port from `first` upwards. Raises WorkspaceError where there is none or the host is not ours."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except socket.gaierror as error:
                raise WorkspaceError(f"{host} is no address of this machine", remedy="use --host 127.0.0.1") from error
            except OSError:
                continue
            return port
    raise WorkspaceError(f"no free port from {first} on", remedy="choose another one with --port")


@dataclass
class _Child:
    """One process that should be running."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes]
    started_at: float


def serve(workspace: Path, *, host: str, first_port: int, say: Callable[[str], None]) -> None:
    """Run everything until Ctrl-C, SIGTERM or the end of the terminal; a worker or inspector that dies is restarted.

    Ends the children so that a running training saves its state. Raises WorkspaceError outside a checkout, where the
    workspace is served already, or when the app itself ends.
    """
    if not ENTRY.exists():
        raise WorkspaceError("the app's entry streamlit_app.py is not here", remedy="run `hmgc serve` in a checkout")
    with _only_here(workspace) as tell_where:
        port = free_port(host, first_port)
        if port != first_port:
            say(f"Port {first_port} is taken; using {port}.")
        tell_where(f"http://{_shown(host)}:{port}")
        _serve(workspace, host, port, say)


@contextmanager
def _only_here(workspace: Path) -> Iterator[Callable[[str], None]]:
    """While the block runs nobody else serves this workspace; gives a function that keeps at which address we do.

    Two workers would train at once, and at another port a browser would know neither its annotator nor its keys.
    """
    place = workspace / "served"
    try:
        file = place.open("a+b", buffering=0)
    except OSError as error:
        raise not_written(place, error) from error

    def tell(address: str) -> None:
        with suppress(OSError):  # a full disk is no reason not to start: the app says so, and helps to make room
            file.truncate(0)
            file.write(f"{address} {os.getpid()}".encode())

    with file:
        _lock(file, place)
        yield tell
        with suppress(OSError):
            file.truncate(0)


def _lock(file: FileIO, place: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        where, _, process = place.read_text().partition(" ")
        raise WorkspaceError(
            f"this workspace is served already{f', at {where}' if where else ''}",
            remedy=f"open that address, or end the other one first (process {process or 'unknown'})",
        ) from error
    except OSError as error:
        raise WorkspaceError(
            f"{place} cannot be locked: {error.strerror or error}", remedy="keep the workspace on a local disk"
        ) from error


def _serve(workspace: Path, host: str, port: int, say: Callable[[str], None]) -> None:
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    on_end_signals(stop)
    children = [_start(name, command, workspace, host) for name, command in _commands(host, port).items()]
    try:
        if _wait_for_app(host, port, children[0].process, lambda: stopping):
            say(f"HMGC Studio is at http://{_shown(host)}:{port}  (Ctrl-C ends it)")
        while not stopping:
            _keep_up(children, workspace, host, say)
            time.sleep(0.2)
        say("Ending; a running training saves its state and goes on at the next start.")
    finally:
        _end(children)


def _commands(host: str, port: int) -> dict[str, list[str]]:
    python = sys.executable
    streamlit = ["-m", "streamlit", "run", str(ENTRY), "--server.address", host, "--server.port", str(port)]
    return {
        "app": [python, *streamlit],
        "worker": [python, "-m", "hmgc_core", "worker"],
        "inspector": [python, "-m", "hmgc_core", "inspector"],
    }


def app_environment(workspace: Path, host: str) -> dict[str, str]:
    """What the app is told by its environment.

    glibc would give each thread memory of its own and keep it after use: over hours of short requests that only grows.
    Python runs one thread at a time, so that two such arenas are enough.
    """
    return {"MALLOC_ARENA_MAX": "2", **_environment(workspace, host)}


def _environment(workspace: Path, host: str) -> dict[str, str]:
    return {**os.environ, "HMGC_WORKSPACE": str(workspace), "HMGC_HOST": host, SERVED_BY: str(os.getpid())}


def _start(name: str, command: list[str], workspace: Path, host: str) -> _Child:
    environment = (app_environment if name == "app" else _environment)(workspace, host)
    # A session of its own: Ctrl-C in the terminal reaches only us, and we end the children in order.
    process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
        command, cwd=ENTRY.parent, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
        stdout=subprocess.DEVNULL if name == "app" else None,
    )  # fmt: skip
    return _Child(name, command, process, time.monotonic())


def _wait_for_app(host: str, port: int, process: subprocess.Popen[bytes], stopping: Callable[[], bool]) -> bool:
    """The app answers; False when it ended or we are stopping."""
    while process.poll() is None and not stopping():
        try:
            with socket.create_connection((_shown(host), port), timeout=1):
                return True
        except OSError:
            time.sleep(0.1)
    return False


def _shown(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound


def _keep_up(children: list[_Child], workspace: Path, host: str, say: Callable[[str], None]) -> None:
    for place, child in enumerate(children):
        code = child.process.poll()
        if code is None:
            continue
        if child.name == "app":
            raise WorkspaceError(f"the app ended with code {code}", remedy="see the messages above")
        # One that dies at once would be started again for ever; a pause keeps that bearable.
        if time.monotonic() - child.started_at > 5:
            say(f"The {child.name} ended with code {code}; it is started again.")
            children[place] = _start(child.name, child.command, workspace, host)


def _end(children: list[_Child]) -> None:
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    deadline = time.monotonic() + GRACE_S
    for child in children:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
