"""The real app as a process of its own, to be started, stopped and killed by tests."""

import os
import socket
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import ready_made

ROOT = Path(__file__).parents[2]
START_S = 60


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(workspace: Path, port: int) -> None:
    """What `hmgc serve` starts, in this process."""
    from streamlit.web import cli

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
        self.process = ready_made.start(_run, self.workspace, self.port, out=self.log, err=self.log)
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
        ready_made.end(self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join(10)
            ready_made.end(self.process)
