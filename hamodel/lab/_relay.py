"""A relay on the loopback: a link with a delay, a speed, and two ways to fail."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_PIECE = 4096  # bytes read at once


class Relay:
    """A TCP link from a port of its own to another port of this machine.

    Parameters
    ----------
    target : int
        Port that it leads to.
    delay : float
        Time in s that each piece takes one way.
    rate : float
        Bytes a second; `inf` for no limit.

    Notes
    -----
    `silence` drops everything and keeps the connections: a cut network, on which nobody
    is told anything.  `cut` closes them: a process that died.  It needs no rights, and
    is no cut below TCP: the relay's own end goes on acknowledging what it drops.
    """

    def __init__(
        self, target: int, *, delay: float = 0.0, rate: float = float("inf")
    ) -> None:
        self.target, self.delay, self.rate = target, delay, rate
        self.port = 0
        self._silent = self._closed = False
        self._open: set[StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *error: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def silence(self) -> None:
        """Drop everything from now on, and keep the connections."""
        self._silent = True

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        self._closed = True
        self._do(self._hang_up())

    def mend(self) -> None:
        """Pass everything on again; connections that fell silent are closed."""
        self._silent = self._closed = False
        self._do(self._hang_up())

    def _do(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        await self._hang_up()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hang_up(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._closed:
            writer.transport.abort()
            return
        if self._silent:
            self._open.add(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: StreamReader, sink: StreamWriter) -> None:
        """Pass pieces on in their order, each when its time has come."""
        free = 0.0  # when the link has sent all that it was given
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        deliver = asyncio.create_task(self._deliver(queue, sink))
        try:
            while piece := await source.read(_PIECE):
                now = self._loop.time()
                free = max(free, now) + len(piece) / self.rate
                await queue.put((free + self.delay, piece))
                if free > now:  # a link that is full takes no more
                    await asyncio.sleep(free - now)
        except OSError:
            pass
        finally:
            await queue.put((free + self.delay, b""))
            await deliver
            self._open.discard(sink)

    async def _deliver(
        self, queue: asyncio.Queue[tuple[float, bytes]], sink: StreamWriter
    ) -> None:
        while True:
            due, piece = await queue.get()
            if (wait := due - self._loop.time()) > 0:
                await asyncio.sleep(wait)
            if not piece:
                sink.close()
                return
            if not self._silent:
                sink.write(piece)
