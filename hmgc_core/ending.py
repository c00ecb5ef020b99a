"""How a process of ours ends: at a signal, after it has put away its work, and never later than `serve`."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

LOOK_S = 2.0
SERVED_BY = "HMGC_SERVED_BY"  # in the environment of a process that `serve` started: which one that is


def stop_on_signals(stopping: threading.Event) -> None:
    """Let the signals to end set the event; does nothing outside the main thread."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    if threading.current_thread() is threading.main_thread():
        on_end_signals(stop)


def on_end_signals(stop: Callable[[int, FrameType | None], None]) -> None:
    """Have `stop` called at Ctrl-C, `kill`, and a closed terminal, but where that is to be outlived (nohup)."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)


def end_with_server() -> None:
    """Where `serve` started this process: end it as SIGTERM does once `serve` is gone, however it went."""
    server = int(os.environ.get(SERVED_BY) or 0)
    if not server:
        return

    def watch() -> None:
        while _is_there(server):
            time.sleep(LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, PermissionError):  # gone, or its number went to a process of somebody else
        return False
    return True
