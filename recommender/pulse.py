"""Nobody waits for a Postgres that does not answer.

A server that is down refuses at once, one that is frozen (or a network that swallows packets) takes every byte and
never answers, and no setting of a client ends that wait in less than seconds. So a question is asked by a thread that
can be left behind, and whoever has waited a moment feels the server's pulse, a ``SELECT 1`` on a connection of its own:
where it beats, the answer only takes long; where it does not, nobody waits any longer.

A web process that starts asks by ``ask``. The API's requests do the same with threads and connections that are kept:
``recsite.api.patience``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from django.db import DatabaseError, Error, connection

Answer = TypeVar("Answer")

PATIENCE = 0.1  # s that an answer may take before the pulse is felt
BEAT = 0.5  # s within which a server that lives lets somebody in and answers a SELECT 1
AGAIN = 1.0  # s from one beat to the next while an answer takes long
LONGEST = 60.0  # s that anybody waits, even for a server that lives


class Unanswered(DatabaseError):
    """Postgres takes questions and does not answer them."""


class Pulse:
    """Whether Postgres answers within ``beat`` seconds, felt by a thread with a connection of its own."""

    def __init__(self, *, beat: float) -> None:
        self.beat = beat
        self.is_lost = False
        self._wanted = threading.Event()
        self._felt = threading.Condition()
        self._beat_at = 0.0  # monotonic
        self._thread: threading.Thread | None = None
        self._stopped = False

    def start(self) -> None:
        """Have the thread and its connection before they are needed: a connection may take longer than a beat."""
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
        self.start()
        with self._felt:
            self._wanted.set()
            if self._felt.wait_for(lambda: self._beat_at >= asked, self.beat):
                return True
            self.is_lost = True
            self._wanted.set()  # it is felt until it is there again, though it may have come this very moment
            return False

    def heard(self) -> None:
        """Postgres has just answered somebody, which is as good: on a busy machine the thread may come late."""
        with self._felt:
            self._beat_at, self.is_lost = time.monotonic(), False
            self._felt.notify_all()

    def stop(self, *, seconds: float = 0.0) -> None:
        """Let the thread end, once Postgres lets go of it; waits for that no longer than ``seconds``."""
        thread, self._stopped, self.is_lost = self._thread, True, False
        self._wanted.set()
        if thread is not None and seconds:
            thread.join(seconds)

    def _run(self) -> None:
        while True:
            self._wanted.wait(self.beat if self.is_lost else None)
            if self._stopped:
                connection.close()
                return
            self._wanted.clear()
            try:
                feel()
            except Error:
                connection.close()
                continue
            self.heard()


def feel() -> None:
    """The shortest question there is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def wait_while_it_beats(task: Future[Answer], pulse: Pulse, *, patience: float) -> Answer:
    """What ``task`` returns or raises; raises :class:`Unanswered` where it is not done after ``patience`` seconds and
    there is no pulse, and after ``LONGEST`` seconds in any case."""
    end, pause = time.monotonic() + LONGEST, patience
    while not wait([task], pause).done:
        if not (pulse.beats() and time.monotonic() < end) and not task.done():
            task.cancel()  # what has not begun is not to be done later
            raise Unanswered(f"expected an answer from Postgres within {patience + pulse.beat:g} s, found none")
        pause = AGAIN
    return task.result()


def ask(question: Callable[[], Answer]) -> Answer:
    """What ``question`` returns or raises; raises :class:`Unanswered` where there is no pulse."""
    if connection.in_atomic_block:  # part of the caller's own transaction, which no other thread sees
        return question()
    pulse = Pulse(beat=BEAT)
    try:
        return wait_while_it_beats(_beside(question), pulse, patience=PATIENCE)
    finally:
        pulse.stop()


def _beside(question: Callable[[], Answer]) -> Future[Answer]:
    answer: Future[Answer] = Future()
    answer.set_running_or_notify_cancel()  # from now on nobody can take it back

    def run() -> None:
        try:
            answer.set_result(question())
        except Exception as error:  # noqa: BLE001  # whoever asked raises it
            answer.set_exception(error)
        finally:
            connection.close()

    threading.Thread(target=run, daemon=True, name="question").start()
    return answer
