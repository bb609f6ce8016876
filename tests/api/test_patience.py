"""Postgres and Redis that are frozen (SIGSTOP): every byte is taken and nothing is answered."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import redis
from django.conf import settings
from django.db import connection

from behavior.models import Event
from recommender import availability, pulse, state, store
from recommender.models import Placement
from recsite.api import keys, patience
from recsite.local_services.state import Folder
from recsite.testing import CommittedCase
from tests.api.doors import Caller, code, event, read, start_afresh
from tests.goods import make_products

SOON = 0.25


@contextmanager
def frozen(server: str) -> Iterator[None]:
    """The tests' own ``server``, its parent process first, stopped for the time of the block."""
    folder = Folder(Path(os.environ["RECSITE_DATA_DIR"]))
    first = psutil.Process(int(folder.services()[server]["pid"]))
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGCONT)


class FrozenTests(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        start_afresh()
        make_products(12)
        availability.publish_base()
        state.forget()
        self.addCleanup(state.forget)
        self.addCleanup(patience.stop)
        self.shop = Caller()
        self.assertEqual(self.post(), (200, 1))  # threads, connections and what they know by heart are there
        self.assertEqual(self.shop.get("recommendations?n=3").status_code, 200)

    def post(self, **fields: object) -> tuple[int, object]:
        answer = self.shop.post("events", {"events": [event(**fields)]})
        said = read(answer)
        return answer.status_code, said.get("accepted", said.get("error", {}).get("code"))

    def test_frozen_postgres(self) -> None:
        with frozen("postgres"):
            taken = []
            for _ in range(4):
                began = time.monotonic()
                answer = self.shop.post("events", {"events": [event()]})
                taken.append(time.monotonic() - began)
                self.assertEqual(code(answer), (503, "unavailable"))
                self.assertIn("Retry-After", answer.headers)
            self.assertLess(max(taken), SOON)
            self.assertLess(max(taken[1:]), 0.05)  # the first one felt no pulse; nobody waits again
            self.assertEqual(code(self.shop.get("products/p1")), (503, "unavailable"))
            lists = read(self.shop.get("recommendations?n=3"))
            self.assertEqual((len(lists["items"]), lists["degraded"]), (3, False))
        deadline = time.monotonic() + 5
        while (found := self.post())[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(found, (200, 1))

    def test_a_process_that_starts_while_postgres_is_frozen_answers_and_learns_the_rest_later(self) -> None:
        Placement.objects.exclude(slug="home").update(is_active=False)
        with redis.from_url(settings.REDIS_URL) as client:  # no pointer, no placements, no rules: Postgres is asked
            client.delete(store.key("pointer"), *(store.key("shared", name) for name in ("placements", "rules")))
            client.delete(store.key("versions"))
        with frozen("postgres"):
            state.forget()
            began = time.monotonic()
            answer = self.shop.get("recommendations?n=3")
            self.assertLess(time.monotonic() - began, 1.5)
            self.assertEqual((answer.status_code, len(read(answer)["items"])), (200, 3))
            self.assertTrue(state.current().is_partial)
            began = time.monotonic()
            self.assertEqual(self.shop.get("recommendations?n=3").status_code, 200)
            self.assertLess(time.monotonic() - began, SOON)  # only the first one waited
        deadline = time.monotonic() + 10
        while state.current().is_partial and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual((state.current().is_partial, set(state.current().slots)), (False, {"home"}))

    def test_what_was_left_behind_is_stored_once(self) -> None:
        body = {"events": [event()]}
        with frozen("postgres"):
            self.assertEqual(self.shop.post("events", body).status_code, 503)
        deadline = time.monotonic() + 5
        while (answer := self.shop.post("events", body)).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        said = read(answer)
        self.assertEqual(said["accepted"] + said["duplicate"], 1)
        self.assertEqual(Event.objects.filter(event_id=body["events"][0]["event_id"]).count(), 1)

    def test_work_that_is_only_long_goes_on(self) -> None:
        def sleep() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.6), 7")
                return int(cursor.fetchone()[1])

        for ask in (patience.run, pulse.ask):
            with self.subTest(ask.__module__):
                self.assertEqual(ask(sleep), 7)

    def test_frozen_redis(self) -> None:
        self.shop.get("recommendations?n=3")
        with frozen("redis"):
            taken = []
            for _ in range(5):
                began = time.monotonic()
                self.assertEqual(self.post(), (200, 1))
                answer = read(self.shop.get("recommendations?n=3"))
                taken.append(time.monotonic() - began)
                self.assertEqual((len(answer["items"]), answer["degraded"]), (3, True))
            self.assertLess(max(taken), 0.4)
            self.assertLess(sorted(taken)[1], 0.1)  # the breaker is open by then
            time.sleep(keys.LOOK_SECONDS)  # after that they are looked at
            for forget in (lambda: None, keys.ring.forget):  # as a process that runs, as one that starts
                forget()
                began = time.monotonic()
                self.assertEqual(self.post(), (200, 1))
                self.assertLess(time.monotonic() - began, 0.7)
        time.sleep(store.Breaker.SECONDS)
        self.assertFalse(read(self.shop.get("recommendations?n=3"))["degraded"])
