"""`hmgc serve`: three processes kept up and ended together, on the next free port, with a training that goes on."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import security
from hmgc_core import supervisor
from hmgc_core.errors import WorkspaceError
from hmgc_core.records import RunConfig
from hmgc_core.supervisor import app_environment, free_port
from hmgc_core.workflow import training
from hmgc_core.workflow.workspaces import Workspace

LONG = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=5000, batch_size=4, lr=0.05)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def server(labelled_workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """`serve` on a workspace, after it has said where."""
    command = [sys.executable, "-m", "hmgc_core", "serve", "--workspace", str(labelled_workspace.folder)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        command += ["--port", str(free.getsockname()[1])]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup, and `serve` would heed that
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGHUP, before)
    assert process.stderr is not None
    try:
        assert "HMGC Studio is at" in process.stderr.readline()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(40)
        process.stderr.close()


def wait_for(test: Callable[[], bool], *, at_most_s: float = 90) -> None:
    deadline = time.monotonic() + at_most_s
    while not test():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2) as answer:
            return json.load(answer)["status"] == "ok"
    except OSError:
        return False


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """name -> pid of the processes that `serve` started."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                command = (entry / "cmdline").read_text().split("\0")
            except (OSError, IndexError):
                continue
            if parent == str(process.pid):
                found["app" if "streamlit" in command else command[-2]] = int(entry.name)
    return found


def twenty_clients_label(ws: Workspace, port: int) -> None:
    """20 people send 15 labels each over HTTP, every one of them twice, while the training writes."""
    token = security.sign(ws.secret(), "ada")
    answers: list[int] = []

    def person(number: int) -> None:
        for place in range(30):
            said = {
                "uid": f"client-{number:02}-{place // 2:02}", "image_id": 21 + place % 4, "node": "owl", "kind": "is",
                "taxonomy": 1, "seconds": 0.5, "shown": {},
            }  # fmt: skip
            headers = {"content-type": "application/json", security.TOKEN_HEADER: token}
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/api/labels", json.dumps(said).encode(), headers, method="POST"
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                answers.append(answer.status)

    threads = [threading.Thread(target=person, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 600
    with ws.reading() as connection:
        stored = connection.exec_driver_sql("SELECT uid FROM annotation WHERE uid LIKE 'client-%'").scalars().all()
    assert sorted(stored) == [f"client-{number:02}-{place:02}" for number in range(20) for place in range(15)]


def test_a_taken_port_is_passed_over_and_a_wrong_host_is_named(taken_port: int) -> None:
    assert free_port("127.0.0.1", taken_port) > taken_port
    with pytest.raises(WorkspaceError, match="no address of this machine"):
        free_port("no.such.host.invalid", 8501)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the started processes under /proc, which is not here")
def test_the_app_keeps_little_memory_unless_somebody_says_otherwise(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    told = app_environment(tmp_path, "127.0.0.1")
    assert (told["HMGC_WORKSPACE"], told["HMGC_HOST"], told["MALLOC_ARENA_MAX"]) == (str(tmp_path), "127.0.0.1", "2")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    assert app_environment(tmp_path, "127.0.0.1")["MALLOC_ARENA_MAX"] == "8"


@pytest.mark.slow
def test_everything_starts_comes_back_and_ends_together(labelled_workspace: Workspace, taken_port: int) -> None:
    ws = labelled_workspace
    run_id = training.queue_run(ws, LONG)
    command = [sys.executable, "-m", "hmgc_core", "serve", "--workspace", str(ws.folder), "--port", str(taken_port)]
    environment = {**os.environ, "HMGC_LEASE_S": "3"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        assert f"Port {taken_port} is taken" in lines[0]
        port = int(lines[1].split("127.0.0.1:")[1].split()[0])
        wait_for(lambda: healthy(port))
        wait_for(lambda: all(training.services(ws).values()))
        wait_for(lambda: len(training.epochs(ws, run_id)) > 0)

        twenty_clients_label(ws, port)
        assert training.run(ws, run_id).status == "running"

        os.kill(children(process)["worker"], signal.SIGKILL)
        wait_for(lambda: training.run(ws, run_id).attempts == 2)

        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
        assert training.run(ws, run_id).status == "queued"
        assert not healthy(port)
        wait_for(lambda: not any(training.services(ws).values()))  # the killed worker's last sign of life grows old
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the started processes under /proc, which is not here")
@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGKILL])
def test_nothing_lives_on_without_serve(server: subprocess.Popen[str], how: signal.Signals) -> None:
    wait_for(lambda: set(children(server)) == {"app", "worker", "inspector"})
    started = children(server)
    server.send_signal(how)
    assert server.wait(40) == (0 if how is signal.SIGHUP else -signal.SIGKILL)
    wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in started.values()))


def test_a_workspace_is_served_once_at_a_time(server: subprocess.Popen[str], labelled_workspace: Workspace) -> None:
    command = [sys.executable, "-m", "hmgc_core", "serve", "--workspace", str(labelled_workspace.folder)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "this workspace is served already, at http://127.0.0.1:" in second.stderr
    assert f"process {server.pid}" in second.stderr
    server.terminate()
    assert server.wait(40) == 0
    assert not (labelled_workspace.folder / "served").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_does_not_keep_the_app_from_starting(tmp_path: Path) -> None:
    (tmp_path / "served").symlink_to("/dev/full")
    with supervisor._only_here(tmp_path) as tell_where:
        tell_where("http://127.0.0.1:1")


def test_a_disk_without_locks_is_not_called_a_second_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(supervisor.fcntl, "flock", refuse)
    with pytest.raises(WorkspaceError, match="cannot be locked: No locks available"), supervisor._only_here(tmp_path):
        raise AssertionError("served without a lock")
