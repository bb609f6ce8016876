"""A key's bucket is one for all processes, counted by Redis in the trip that a request makes anyway."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from unittest.mock import patch

import redis
from django.conf import settings
from django.test import TestCase, override_settings

from recommender import store
from recommender.store.line import Line
from recsite.api.limits import Tokens
from recsite.testing import BASE_DIR, flush_redis, open_new_shop, process_environment
from tests.api.doors import Caller, code, event, start_afresh
from tests.goods import make_products

SLOW = override_settings(API_RATES={"secret": 5, "publishable": 1}, WEB_PROCESSES=2)
ASK = """
from recommender import store
from recsite.api.limits import Tokens
from django.conf import settings
settings.API_RATES = {"secret": 5}
tokens, refused = Tokens(), []
for _ in range(40):
    if not tokens.take(7, "secret", refuse=refused.append):
        store.read(None, None)
        print("in" if len(refused) == 0 else "out")
        refused.clear()
"""


class SharedBucket(TestCase):
    def setUp(self) -> None:
        flush_redis()
        store.breaker.succeeded()
        self.addCleanup(store.take_no_token)

    @SLOW
    def test_two_processes_share_one_bucket(self) -> None:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "--command", ASK]
        environment = process_environment()
        began = time.monotonic()
        both = [
            subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=120)[0] for process in both]
        taken = time.monotonic() - began
        got = sum(text.count("in") for text in said)
        self.assertGreaterEqual(got, 10)  # the burst
        self.assertLessEqual(got, 10 + 5 * taken)  # and what came since: not a burst each

    @SLOW
    def test_threads_with_lines_of_their_own_get_the_burst_and_no_more(self) -> None:
        got, lock = [], threading.Lock()
        began = time.monotonic()

        def ask() -> None:
            tokens = Tokens()  # as another process would have
            for _ in range(10):
                refused: list[float] = []
                if not tokens.take(7, "secret", refuse=refused.append):
                    store.read(None, None)
                    if not refused:
                        with lock:
                            got.append(1)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertGreaterEqual(len(got), 10)
        self.assertLessEqual(len(got), 10 + 5 * (time.monotonic() - began))

    @SLOW
    def test_without_redis_a_process_has_its_share(self) -> None:
        self.addCleanup(store.breaker.succeeded)
        tokens, got = Tokens(), 0
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            for _ in range(20):
                if not tokens.take(7, "secret"):
                    got += 1
                    with self.assertRaises(store.StoreDown):
                        store.read(None, None)
        self.assertEqual(got, 5)  # half of the burst of two processes

    @override_settings(API_RATES={"secret": 500}, WEB_PROCESSES=1)
    def test_a_busy_process_asks_once_for_several(self) -> None:
        tokens, began, got = Tokens(), time.monotonic(), 0
        with patch.object(store, "take_tokens", side_effect=store.take_tokens) as asked:
            for _ in range(1_200):
                refused: list[float] = []
                if not tokens.take(7, "secret", refuse=refused.append):
                    store.read(None, None)
                    got += not refused
        self.assertGreaterEqual(got, 1_000)  # the burst
        self.assertLessEqual(got, 1_000 + 500 * (time.monotonic() - began))
        self.assertLessEqual(asked.call_count, got / 5 + 30)

    def test_a_full_redis_still_reads(self) -> None:
        with redis.from_url(settings.REDIS_URL) as client:
            held = client.config_get("maxmemory")["maxmemory"]
            client.config_set("maxmemory", 1)
            try:
                heard: list[float] = []
                store.take_tokens("7", wanted=3, rate=5, burst=10, told=lambda wait, taken: heard.append(wait))
                self.assertIsNone(store.read(None, None).pointer)
                self.assertEqual(heard, [-1.0])
            finally:
                client.config_set("maxmemory", held)


class AtTheDoor(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        store.breaker.succeeded()
        start_afresh()
        make_products(6)
        self.shop = Caller()

    @SLOW
    def test_a_list_is_refused_by_its_own_trip_and_there_is_no_second_one(self) -> None:
        self.assertEqual(self.shop.get("recommendations?n=1").status_code, 200)
        with patch.object(Line, "ask", autospec=True, side_effect=Line.ask) as asked:
            answers = [self.shop.get("recommendations?n=1") for _ in range(12)]
        self.assertEqual(answers[0].status_code, 200)
        refused = [answer for answer in answers if answer.status_code == 429]
        self.assertTrue(refused)
        self.assertGreaterEqual(int(refused[0].headers["Retry-After"]), 1)
        self.assertLessEqual(asked.call_count, len(answers))

    @SLOW
    def test_events_are_kept_out_once_the_bucket_is_empty(self) -> None:
        answers = [self.shop.post("events", {"events": [event()]}) for _ in range(14)]
        self.assertEqual(answers[0].status_code, 200)
        self.assertEqual(code(answers[-1]), (429, "too_many_requests"))

    def test_a_token_on_its_way_does_not_ride_with_the_next_request(self) -> None:
        self.shop.get("products/p1")  # asks Redis for nothing
        with redis.from_url(settings.REDIS_URL) as client:
            before = client.keys(store.key("bucket", "*"))
            store.read(None, None)
            self.assertEqual(client.keys(store.key("bucket", "*")), before)
