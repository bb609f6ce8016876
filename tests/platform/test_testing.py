"""The ground the tests stand on."""

from __future__ import annotations

import io
import unittest

import redis
from django.conf import settings
from django.db import connection
from django.test import TestCase

from recsite.testing import CommittedCase, CountingResult, LiveCase, flush_redis, start_worker


class Summary(unittest.TestCase):
    def test_counts_tests_not_their_parts(self) -> None:
        class Sample(unittest.TestCase):
            def test_good(self) -> None:
                self.assertTrue(True)

            def test_two_bad_parts(self) -> None:
                for part in (1, 2):
                    with self.subTest(part=part):
                        self.fail()

            @unittest.skip("because")
            def test_left_out(self) -> None:
                self.fail()

        result = CountingResult(unittest.runner._WritelnDecorator(io.StringIO()), True, 0)
        unittest.defaultTestLoader.loadTestsFromTestCase(Sample).run(result)
        self.assertEqual(result.summary(), "1 passed, 1 failed, 1 skipped")


class OwnServers(TestCase):
    def test_database_is_the_test_one(self) -> None:
        self.assertTrue(str(connection.settings_dict["NAME"]).startswith("test_"))

    def test_data_folder_is_not_the_shops(self) -> None:
        self.assertIn("recsite-test-", str(settings.DATA_DIR))

    def test_redis_is_emptied(self) -> None:
        with redis.from_url(settings.REDIS_URL) as client:
            client.set("left", 1)
            flush_redis()
            self.assertEqual(client.dbsize(), 0)


class Committed(CommittedCase):
    def test_rows_of_migrations_are_there_again(self) -> None:
        from behavior.models import EventType

        self.assertTrue(EventType.objects.filter(name="purchase").exists())

    test_and_once_more_after_a_cleaning = test_rows_of_migrations_are_there_again


class Worker(CommittedCase):
    def test_takes_tasks_on_the_test_redis(self) -> None:
        from recsite.celery import app

        with start_worker() as worker:
            answers = app.control.ping(timeout=5)
            self.assertEqual(len(answers), 1)
        self.assertEqual(worker.returncode, 0)


class Browser(LiveCase):
    def test_opens_the_site(self) -> None:
        answer = self.page.goto("/login/")
        assert answer is not None
        self.assertLess(answer.status, 600)
