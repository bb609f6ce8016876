"""A load generator: kept-alive connections, requests made beforehand, as little Python in between as can be.

It runs in a process of its own, so that its interpreter lock is not the server's; on a small machine it still takes
processor time from the server, which is one more reason to read ratios.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

CONNECTIONS = 16
RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)")


@dataclass
class Result:
    """``seconds`` of each answer, by status; ``wall`` of the whole."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wall: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.wall if self.wall else 0.0

    @property
    def accepted_rate(self) -> float:
        """Answers of 2xx a second: a refusal costs little and says nothing of what a server can do."""
        return (len(self.seconds) - self.refused) / self.wall if self.wall else 0.0

    @property
    def refused(self) -> int:
        """Answers other than 2xx."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)


EACH = "00000000-0000-0000-0000-000000000000"  # stands in a template where each place gets an id of its own
ALIKE = "00000000-0000-0000-0000-000000000001"  # … and where all get the same one


@dataclass(frozen=True)
class Template:
    """A request whose UUIDs, at the places ``each`` and ``alike`` of ``data``, are made anew each time that it is
    sent: a minute of events need not lie in memory. They are of version 7, time first, as a shop's own should be."""

    data: bytes
    each: tuple[int, ...]
    alike: tuple[int, ...]

    @classmethod
    def of(cls, data: bytes) -> Template:
        """``EACH`` and ``ALIKE`` stand in ``data`` for ids."""
        return cls(data, *(tuple(m.start() for m in re.finditer(it.encode(), data)) for it in (EACH, ALIKE)))

    def fresh(self, client: int, turn: int) -> bytes:
        """The request of this client's turn."""
        made = bytearray(self.data)
        now, drawn = time.time_ns() // 1_000_000, random.getrandbits(24)
        head = b"%08x-%04x-7%03x-8%03x-%02x" % (now >> 16, now & 0xFFFF, drawn >> 12, drawn & 0xFFF, client & 0xFF)
        for number, place in enumerate(self.each):
            made[place : place + 36] = b"%b%010x" % (head, (turn << 12 | number + 1) & 0xFF_FFFF_FFFF)
        for place in self.alike:
            made[place : place + 36] = b"%b%010x" % (head, turn << 12 & 0xFF_FFFF_FFFF)
        return bytes(made)


Request = bytes | Template


def request(method: str, path: str, *, key: str = "", body: bytes = b"", headers: str = "") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}"
    if key:
        head += f"Authorization: Bearer {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def run(
    port: int, requests: Sequence[Request], *, seconds: float, connections: int = CONNECTIONS, rate: float | None = None
) -> Result:
    """Send ``requests`` round and round for ``seconds``: as fast as answers come, or ``rate`` a second in all
    (then a delay counts from when the request was due, so a slow server cannot hide its queue)."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, port, list(requests), seconds, connections, rate))
    process.start()
    theirs.close()
    try:
        result: Result = ours.recv()
    finally:
        process.join()
    return result


def _child(pipe, port: int, requests: list[Request], seconds: float, connections: int, rate: float | None) -> None:  # type: ignore[no-untyped-def]
    results = [Result() for _ in range(connections)]
    start = time.perf_counter() + 0.2
    threads = [
        threading.Thread(target=_client, args=(n, port, requests[n::connections] or requests, start, seconds, result,
                                               None if rate is None else connections / rate, n / connections))
        for n, result in enumerate(results)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Result(wall=time.perf_counter() - start)
    for result in results:
        total.seconds += result.seconds
        for status, count in result.statuses.items():
            total.statuses[status] = total.statuses.get(status, 0) + count
    pipe.send(total)
    pipe.close()


def _client(
    number: int,
    port: int,
    requests: list[Request],
    start: float,
    seconds: float,
    result: Result,
    interval: float | None,
    phase: float,
) -> None:
    connection = Connection(port)
    due, end, turn = start + phase * (interval or 0.0), start + seconds, 0
    while True:
        now = time.perf_counter()
        if interval is not None:
            if due > now:
                time.sleep(due - now)
            began, due = due, due + interval
        else:
            began = now
        if began >= end or now >= end + 5:
            break
        wanted = requests[turn % len(requests)]
        status, _ = connection.send(wanted.fresh(number, turn) if isinstance(wanted, Template) else wanted)
        turn += 1
        result.seconds.append(time.perf_counter() - began)
        result.statuses[status] = result.statuses.get(status, 0) + 1
    connection.close()


class Connection:
    """One kept-alive connection; made again when the server closes it. ``again``: how often that was; ``retry_after``:
    the seconds after which the last answer wants to be asked again, None where it does not."""

    def __init__(self, port: int) -> None:
        self.port, self.again = port, 0
        self.retry_after: float | None = None
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), 10.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        try:
            self.socket.sendall(data)
            return self._read()
        except (ConnectionError, TimeoutError):
            self.close()
            self.again += 1
            self._connect()
            self.socket.sendall(data)
            return self._read()

    def _read(self) -> tuple[int, bytes]:
        buffer = b""
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += self._more()
        head = buffer[:end].lower()
        asked = RETRY_AFTER.search(head)
        self.retry_after = float(asked[1]) if asked else None
        body, status = buffer[end + 4 :], int(head[9:12])
        if b"transfer-encoding: chunked" in head:
            while not body.endswith(b"0\r\n\r\n"):
                body += self._more()
            return status, _joined(body)
        place = head.find(b"content-length:")
        length = int(head[place + 15 : (head + b"\r\n").find(b"\r\n", place)]) if place >= 0 else 0
        while len(body) < length:
            body += self._more()
        return status, body

    def _more(self) -> bytes:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def close(self) -> None:
        self.socket.close()


def _joined(chunks: bytes) -> bytes:
    """The body of a chunked answer."""
    body = b""
    while chunks:
        size, _, chunks = chunks.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        body, chunks = body + chunks[:length], chunks[length + 2 :]
    return body
