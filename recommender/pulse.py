"""Questions to Postgres of somebody who must go on without an answer: a web process that starts.

A server that is down refuses at once, one that is frozen takes the question and never answers, and no setting of the
client ends that wait in less than seconds. So the question is asked by a thread that can be left behind; whoever has
waited ``PATIENCE`` feels the pulse, on a connection of its own, and waits on as long as it beats. (The API's events do
the same with threads and connections that are kept: ``recsite.api.patience``.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from django.db import DatabaseError, connection

Answer = TypeVar("Answer")

PATIENCE = 0.1  # s that an answer may take before the pulse is felt
BEAT = 0.5  # s within which a server that lives lets somebody in and answers a SELECT 1


class Unanswered(DatabaseError):
    """Postgres takes questions and does not answer them."""


def ask(question: Callable[[], Answer]) -> Answer:
    """What ``question`` returns or raises; raises :class:`Unanswered` where there is no pulse."""
    if connection.in_atomic_block:  # part of the caller's own transaction, which no other thread sees
        return question()
    asked = _beside(question)
    while not wait([asked], PATIENCE).done:
        if not wait([_beside(feel)], BEAT).done:
            raise Unanswered(f"expected an answer from Postgres within {PATIENCE + BEAT:g} s, found none")
    return asked.result()


def feel() -> None:
    """The shortest question there is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _beside(question: Callable[[], Answer]) -> Future[Answer]:
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(question())
        except Exception as error:  # noqa: BLE001  # whoever asked raises it
            answer.set_exception(error)
        finally:
            connection.close()

    threading.Thread(target=run, daemon=True, name="question").start()
    return answer
