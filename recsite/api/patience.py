"""Nobody waits for a Postgres that does not answer: work on it is done by threads that can be left behind.

A server that is down refuses at once, but one that is frozen (or a network that swallows packets) takes every byte and
never answers, and no setting of a client ends that wait in less than seconds. So whoever has waited ``PATIENCE`` asks
for the server's pulse, a ``SELECT 1`` on a connection of its own: where it beats, the work is only long and goes on;
where it does not, the caller is told to come again, and until it beats again everybody is told so at once. Work that
was left behind may still be committed once the server wakes up; nobody was told that it was stored, and what is sent
again is a duplicate.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from recsite.api.errors import ApiError, unavailable

Answer = TypeVar("Answer")

PATIENCE = 0.05  # s that work may take before the pulse is felt
BEAT = 0.17  # s within which a server that lives answers a SELECT 1, on a busy machine too
LONGEST = 60.0  # s of work on a server that lives
IDLE = 5.0  # s after which a connection is looked at before it is used: the server may have been started again


class Pulse:
    """Whether Postgres answers, felt by a thread with a connection of its own."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._felt = threading.Condition()
        self._beat_at = 0.0  # monotonic
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.is_lost = False

    def start(self) -> None:
        """Have the thread and its connection, before they are needed: a connection takes longer than a beat."""
        if self._thread is None or not self._thread.is_alive():
            with self._felt:
                if self._thread is None or not self._thread.is_alive():
                    self._stopped = False
                    self._wanted.set()
                    self._thread = threading.Thread(target=self._run, daemon=True, name="pulse")
                    self._thread.start()

    def beats(self) -> bool:
        """Feel it now; ``is_lost`` says what came of it until it is felt again."""
        asked = time.monotonic()
        with self._felt:
            self._wanted.set()
            if self._felt.wait_for(lambda: self._beat_at >= asked, BEAT):
                return True
            self.is_lost = True
            self._wanted.set()  # it is felt until it is there again, though it may have come this very moment
            return False

    def heard(self) -> None:
        """Postgres has just answered somebody, which is as good: on a busy machine the thread may come late."""
        with self._felt:
            self._beat_at, self.is_lost = time.monotonic(), False
            self._felt.notify_all()

    def stop(self) -> None:
        """End the thread."""
        thread, self._stopped, self.is_lost = self._thread, True, False
        self._wanted.set()
        if thread is not None:
            thread.join(5.0)

    def _run(self) -> None:
        while True:
            self._wanted.wait(BEAT if self.is_lost else None)
            if self._stopped:
                connection.close()
                return
            self._wanted.clear()
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except DatabaseError:
                connection.close()
                continue
            self.heard()


pulse = Pulse()
_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()
_last = threading.local()
_opened: list[BaseDatabaseWrapper] = []  # by the threads


def run(work: Callable[[], Answer]) -> Answer:
    """What ``work`` returns or raises; raises 503 within a quarter of a second where Postgres does not answer."""
    if connection.in_atomic_block:  # part of the caller's own transaction, as tests are
        return work()
    if pulse.is_lost:
        raise _away()
    pulse.start()
    # With the request's id, so that what the work logs carries it.
    task: Future[Answer] = _threads().submit(contextvars.copy_context().run, _do, work)
    if wait([task], PATIENCE).done or (pulse.beats() and wait([task], LONGEST).done) or task.done():
        return task.result()
    task.cancel()  # what has not begun is not to be done later
    raise _away()


def attempt(work: Callable[[], Answer], *, otherwise: Answer) -> Answer:
    """What ``work`` returns, ``otherwise`` where Postgres does not answer."""
    try:
        return run(work)
    except (ApiError, DatabaseError):
        return otherwise


def stop() -> None:
    """End the threads and let go of their connections, so that a test's database can be dropped."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown()
    while _opened:
        held = _opened.pop()
        held.inc_thread_sharing()
        held.close()
    pulse.stop()


def _do(work: Callable[[], Answer]) -> Answer:
    if not hasattr(_last, "used_at"):
        _opened.append(connections["default"])
    idle = time.monotonic() - getattr(_last, "used_at", 0.0)
    if idle > IDLE:
        connection.close_if_unusable_or_obsolete()
    else:
        connection.health_check_done = True  # type: ignore[attr-defined]  # Django would ask before each use, a whole trip
    try:
        answer = _insist(work)
        pulse.heard()
        return answer
    finally:
        connection.close_if_unusable_or_obsolete()
        _last.used_at = time.monotonic()


def _insist(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except (OperationalError, InterfaceError):
        if connection.connection is None or not connection.connection.closed:
            raise
        connection.close()  # the server was started again since; all that is done here may be done twice
        return work()


def _threads() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="postgres")
        return _pool


def _away() -> ApiError:
    return unavailable("The database does not answer just now. Nothing was stored; send it again.")
