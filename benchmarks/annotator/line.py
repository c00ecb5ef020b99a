"""A line between browser and app: tells when messages of a page's socket pass, and may delay every byte."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def line(to_port: int, port: int, *, added_s: float = 0.0) -> Iterator[list[float]]:
    """Listen on `port` and pass everything on to `to_port` and back; a round trip takes `added_s` longer.

    Yields when something passed over a websocket, either way: seconds of `time.perf_counter`, the newest last.
    """
    passed: list[float] = []
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:  # at its end it ends what still waits
            runner.run(_serve(to_port, port, added_s / 2, passed, ready.set, over))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield passed
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _serve(
    to_port: int, port: int, delay_s: float, passed: list[float], ready: Callable[[], None], over: asyncio.Event
) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # opened in advance, and not used
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", to_port)
        back.write(head)
        times = passed if b"upgrade: websocket" in head.lower() else None
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):  # the line's end, and a page that is gone
            await asyncio.gather(_late(reader, back, delay_s, times), _late(there, writer, delay_s, times))

    async with await asyncio.start_server(connect, "127.0.0.1", port):
        ready()
        await over.wait()


async def _late(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float, times: list[float] | None
) -> None:
    """What is read now is written `delay_s` later; reading goes on meanwhile."""
    clock = asyncio.get_running_loop().time
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    try:
        while piece := await reader.read(65536):
            if times is not None:
                times.append(time.perf_counter())
            waiting.put_nowait((clock() + delay_s, piece))
    finally:
        waiting.put_nowait((clock() + delay_s, b""))
    await delivery
