"""Work that takes longer than a visit to a page: it goes on in a thread, whatever is clicked meanwhile.

A page that did it itself would be cut off in the middle by the next click.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import streamlit as st

from app import actions
from app.components.wording import number
from hmgc_core.errors import HmgcError

Result = TypeVar("Result")

EVERY_S = 0.5
AT_ONCE_S = 0.4  # work that is over by then shows no progress at all


class _Stopped(Exception):
    """Somebody does not want it any more."""


class Work(Generic[Result]):
    """A verb on its way. The verb gets a function to report how far it is; when asked to stop, that function raises.

    It is told how much is done, of how much, and, where the verb has several parts, in which it is.

    error: what went wrong and can be mended; `result` raises anything else where it is read.
    """

    def __init__(self, title: str, verb: Callable[[Callable[..., None]], Result]) -> None:
        self.title, self.done, self.total = title, 0, 0
        self.error: HmgcError | None = None
        self.stopped = False
        self._fault: Exception | None = None
        self._result: Result | None = None
        self._thread = threading.Thread(target=self._run, args=(verb,), daemon=True)
        self._thread.start()
        self._thread.join(AT_ONCE_S)

    def _run(self, verb: Callable[[Callable[..., None]], Result]) -> None:
        try:
            self._result = verb(self._report)
            self.stopped = False  # it came too late
        except _Stopped:
            self.stopped = True
        except HmgcError as error:
            self.error = error
        except Exception as fault:
            self._fault = fault

    def _report(self, done: int, total: int, part: str = "") -> None:
        if self.stopped:
            raise _Stopped
        self.done, self.total = done, total
        self.title = part[:1].upper() + part[1:] or self.title

    @property
    def is_over(self) -> bool:
        """It has ended, in whatever way."""
        return not self._thread.is_alive()

    @property
    def result(self) -> Result | None:
        """What the verb returned, None before its end and after a stop or an error."""
        if self._fault is not None:
            raise self._fault
        return self._result

    def stop(self) -> None:
        """Have it end at the next step."""
        self.stopped = True


def is_busy(key: str) -> bool:
    """The session's work under this key goes on."""
    work: Work[Any] | None = st.session_state.get(key)
    return work is not None and not work.is_over


def follow(key: str, *, stop: str, stopped: str, counted: Callable[[int], str] = number) -> Any | None:
    """The session's work under this key: how far it is, or, once, how it ended. Returns its result, once.

    stopped: what to tell of work that was stopped.
    """
    work: Work[Any] | None = st.session_state.get(key)
    if work is None:
        return None
    if not work.is_over:
        show(work, stop=stop, counted=counted)
        return None
    del st.session_state[key]
    if work.error is not None:
        st.error(actions.sentence(work.error), icon=":material/error:")
    elif work.stopped:
        st.info(stopped, icon=":material/info:")
    return work.result


def show(work: Work[Any], *, stop: str, counted: Callable[[int], str] = number) -> None:
    """How far it is, with a button to stop it; the page runs once more when it is over."""

    @st.fragment(run_every=EVERY_S)
    def watch() -> None:
        if work.is_over:
            st.rerun()
        share = work.done / work.total if work.total else 0.0
        far = f": {counted(work.done)} of {counted(work.total)}" if work.total else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(1.0, share), text=f"{work.title}{far}")
            st.button(stop, icon=":material/stop:", on_click=work.stop, disabled=work.stopped)

    watch()
