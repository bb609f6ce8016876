"""The ways to Redis: a request's own line behind a breaker, and a client for everything that may take its time.

Both raise :class:`StoreDown` and nothing else. Answers are bytes: neither decodes, though redis-py's types allow for
text, which is why they are cast where they are read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from recommender.store import line

WRITE_TIMEOUT = 5.0
READ_TIMEOUT = 0.05  # s without a byte, on the path of a request; at 0.02 a busy machine lost 8 of 1,762 fresh events
NOTE_TIMEOUT = 0.25  # for an event that was just acknowledged: the next list should know it
BATCH = 500  # commands of one pipeline, about


class StoreDown(Exception):
    """Redis did not answer in time, refused, or is full."""


class StoreFull(StoreDown):
    """Redis has too little memory left for what is to be written."""


class Breaker:
    """Stops asking a server that is down: after ``LIMIT`` failures in a row it stays open for ``SECONDS``, then
    lets one caller try. Without it every request of an outage would wait for its own timeout."""

    LIMIT = 3
    SECONDS = 0.5

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether to ask; while open, one caller per ``SECONDS`` may."""
        with self._lock:
            if self._failures < self.LIMIT:
                return True
            now = time.monotonic()
            if now < self._open_until:
                return False
            self._open_until = now + self.SECONDS
            return True

    def succeeded(self) -> None:
        """The server answered: closed again."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._open_until = time.monotonic() + self.SECONDS


breaker = Breaker()
#: Of its own: three lists that could not wait are no reason to give up an event that was acknowledged.
note_breaker = Breaker()


# --- On the path of a request ---


@dataclass(frozen=True)
class Rider:
    """A command that goes along with a request's next question, whatever that is; ``told`` gets its answer."""

    command: line.Command
    told: Callable[[bytes], None]


rider: ContextVar[Rider | None] = ContextVar("rider", default=None)


def ask(commands: Sequence[line.Command], timeout: float = READ_TIMEOUT, guard: Breaker = breaker) -> list[Any]:
    """The answers to the ``commands`` of a request, in one round trip."""
    if not guard.allows():
        raise StoreDown("the breaker is open")
    along = rider.get()
    asked = commands if along is None else [*commands, along.command]
    try:
        answers = line.of_thread(settings.REDIS_URL, timeout).ask(asked)
    except (redis.RedisError, OSError) as error:
        guard.failed()
        raise StoreDown(str(error)) from error
    guard.succeeded()
    if along is not None:
        rider.set(None)  # once a request, however many trips it makes
        along.told(answers.pop())
    return answers


# --- Everywhere else ---

_clients: dict[tuple[str, float], redis.Redis] = {}


def client(timeout: float) -> redis.Redis:
    """The process's client with this timeout in seconds; a fork or another address gets its own."""
    wanted = (settings.REDIS_URL, timeout)
    if wanted not in _clients:
        _clients[wanted] = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
    return _clients[wanted]


@contextmanager
def connected(timeout: float = WRITE_TIMEOUT) -> Iterator[redis.Redis]:
    """A block that speaks with the server: what goes wrong in it is :class:`StoreDown`."""
    try:
        yield client(timeout)
    except redis.OutOfMemoryError as error:
        raise StoreFull(str(error)) from error
    except (redis.RedisError, OSError) as error:
        raise StoreDown(str(error)) from error
