"""A line with a delay between browser and app: every byte arrives later by half of the round trip's addition."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def slow_line(to_port: int, port: int, added_s: float) -> Iterator[None]:
    """Listen on `port` and pass everything on to `to_port` and back; a round trip takes `added_s` longer."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    thread = threading.Thread(target=_serve, args=(loop, ready, to_port, port, added_s / 2), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _serve(loop: asyncio.AbstractEventLoop, ready: threading.Event, to_port: int, port: int, delay_s: float) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to_port)
        await asyncio.gather(_late(reader, back, delay_s), _late(there, writer, delay_s), return_exceptions=True)

    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.start_server(connect, "127.0.0.1", port))
    ready.set()
    loop.run_forever()


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
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
            waiting.put_nowait((clock() + delay_s, piece))
    finally:
        waiting.put_nowait((clock() + delay_s, b""))
    await delivery
