"""No request waits for a Postgres that does not answer: its work is done by threads that can be left behind.

They and their connections are kept. Whoever has waited ``PATIENCE`` feels the server's pulse (``recommender.pulse``);
where there is none the caller is told to come again, and until it beats again everybody is told so at once. Work that
was left behind may still be committed once the server wakes up; nobody was told that it was stored, and what is sent
again is a duplicate.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from recommender.pulse import Pulse, Unanswered, wait_while_it_beats
from recsite.api.errors import ApiError, unavailable

Answer = TypeVar("Answer")

PATIENCE = 0.05  # s that work may take before the pulse is felt
BEAT = 0.17  # s within which a server that lives answers a SELECT 1, on a busy machine too
IDLE = 5.0  # s after which a connection is looked at before it is used: the server may have been started again


pulse = Pulse(beat=BEAT)
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
    try:
        return wait_while_it_beats(task, pulse, patience=PATIENCE)
    except Unanswered:
        raise _away() from None


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
    pulse.stop(seconds=5.0)


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
