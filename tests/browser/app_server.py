"""The real app as a process of its own, to be started, stopped and killed by tests."""

import multiprocessing
import os
import socket
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from app.server.lifespan import HEAVY

ROOT = Path(__file__).parents[2]
START_S = 60

# Importing takes three seconds: it is done once, in a process that each app is a copy of.
READY_MADE = multiprocessing.get_context("forkserver")
READY_MADE.set_forkserver_preload(["streamlit.web.cli", "app.server.lifespan", "app.server.routes", *HEAVY])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(workspace: Path, port: int, log: Path) -> None:
    """What `hmgc serve` starts, in this process."""
    from streamlit.web import cli

    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.chdir(ROOT)
    os.environ["HMGC_WORKSPACE"] = str(workspace)
    sys.argv = ["streamlit", "run", "streamlit_app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    cli.main(prog_name="streamlit")


@dataclass
class AppServer:
    """The app as a process of its own, on a port of its own, which it keeps over a restart."""

    workspace: Path
    log: Path
    port: int = field(default_factory=_free_port)
    process: BaseProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = READY_MADE.Process(target=_run, args=(self.workspace, self.port, self.log), daemon=True)
        self.process.start()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.is_up, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the app did not start:\n{self.log.read_text()}")

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def kill(self) -> None:
        """As if the power had gone."""
        assert self.process is not None
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join(10)
            self.process.kill()
            self.process.join()
