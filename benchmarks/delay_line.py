"""A relay that passes bytes on after a fixed time: storage that is as far away as a cloud's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK = 1 << 16


@dataclass(slots=True)
class Traffic:
    """What went through.

    :param url: of the relay.
    :param sent: bytes to the server.
    :param received: bytes from it.
    """

    url: str = ""
    sent: int = 0
    received: int = 0
    ready: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def delay_line(host: str, port: int, *, round_trip_s: float) -> Iterator[Traffic]:
    """Relay connections to a server, half of ``round_trip_s`` late each way; bandwidth stays."""
    traffic = Traffic()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(loop, traffic, host, port, round_trip_s / 2), daemon=True)
    thread.start()
    traffic.ready.wait()
    try:
        yield traffic
    finally:
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _serve(loop: asyncio.AbstractEventLoop, traffic: Traffic, host: str, port: int, delay_s: float) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(
                _pass_on(reader, far_writer, delay_s, traffic, "sent"),
                _pass_on(far_reader, writer, delay_s, traffic, "received"),
                return_exceptions=True,
            )

    async def start() -> None:
        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        traffic.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        traffic.ready.set()

    asyncio.set_event_loop(loop)
    loop.run_until_complete(start())
    loop.run_forever()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float, traffic: Traffic, way: str
) -> None:
    """Write each chunk when it has been on its way long enough, while the next ones already come."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, chunk = await under_way.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                writer.close()
                return
            writer.write(chunk)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    while chunk := await reader.read(CHUNK):
        setattr(traffic, way, getattr(traffic, way) + len(chunk))
        under_way.put_nowait((loop.time() + delay_s, chunk))
    under_way.put_nowait((loop.time() + delay_s, b""))
    await delivery
