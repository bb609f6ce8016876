"""One thread's line to Redis for the path of a request: commands out in one write, their answers in one read.

redis-py's pipeline costs half a millisecond of processor time for five commands (locks, events, retries, a poll before
each use of the pool), more than Redis itself takes. A thread that keeps its own connection needs none of it: here
redis-py only connects (addresses, TLS, passwords, database numbers) and reads the protocol.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

Command = Sequence[bytes]


class Line:
    """A connection to ``url`` that gives up after ``timeout`` seconds without a byte."""

    def __init__(self, url: str, timeout: float) -> None:
        pool = redis.ConnectionPool.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0), protocol=2
        )
        self._connection = pool.make_connection()
        self._used = False

    def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to ``commands``; raises ``redis.RedisError`` or ``OSError``.

        A connection that was idle may have been closed by a server that was started again, which is noticed only by
        using it: then, and only then, the commands are sent once more.
        """
        packed = b"".join(map(_packed, commands))
        again = self._used
        self._used = True
        try:
            return self._send(packed, len(commands))
        except redis.ConnectionError:
            if not again:
                raise
            return self._send(packed, len(commands))

    def _send(self, packed: bytes, count: int) -> list[Any]:
        connection = self._connection
        try:
            connection.send_packed_command([packed], check_health=False)
            return [connection.read_response(disable_decoding=True) for _ in range(count)]
        except BaseException:
            self.close()  # whatever else comes on this connection would be taken for the answer to the next question
            raise

    def close(self) -> None:
        """Let go; the next question connects anew."""
        self._used = False
        self._connection.disconnect()


_lines = threading.local()


def of_thread(url: str, timeout: float) -> Line:
    """This thread's line; a fork or another address gets its own."""
    held: dict[tuple[str, float, int], Line] = _lines.__dict__.setdefault("held", {})
    wanted = (url, timeout, os.getpid())
    if wanted not in held:
        held[wanted] = Line(url, timeout)
    return held[wanted]


def _packed(command: Command) -> bytes:
    """The command as the protocol (RESP) writes it."""
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)
