"""What is seen from outside: the scrape, the last minutes, one line of log."""

from __future__ import annotations

import io
import logging
import logging.config

import orjson
import structlog
from django.test import Client, TestCase

from recsite import logs
from recsite.api import sight
from recsite.testing import flush_redis
from tests.api.doors import Caller, start_afresh


class MetricsTests(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()

    def test_scraped_on_this_machine(self) -> None:
        self.client.get("/api/v1/health/live")
        text = self.client.get("/metrics").content.decode()
        self.assertIn('recsite_request_seconds_count{method="GET",status="200",view="live"}', text)
        self.assertIn('recsite_queue_depth{queue="refresh"} 0.0', text)
        self.assertIn("recsite_postgres_up 1.0", text)

    def test_from_elsewhere_with_an_admin_key_only(self) -> None:
        away = Client(REMOTE_ADDR="10.0.0.9")
        self.assertEqual(away.get("/metrics").status_code, 401)
        plain = Caller(scopes=["events:write"], name="Plain").made.secret
        admin = Caller().made.secret
        for secret, status in ((plain, 403), (admin, 200)):
            answer = away.get("/metrics", headers={"authorization": f"Bearer {secret}"})
            self.assertEqual(answer.status_code, status)

    def test_behind_a_proxy_it_is_not_this_machine(self) -> None:
        self.assertEqual(self.client.get("/metrics", headers={"x-forwarded-for": "10.0.0.9"}).status_code, 401)


class LatelyTests(TestCase):
    def setUp(self) -> None:
        sight._minutes.flush()
        flush_redis()

    def test_nothing_yet(self) -> None:
        found = sight.lately()
        assert found is not None
        self.assertEqual((found.lists, found.p95, found.event_delay), (0, None, None))

    def test_one_list_of_the_fallbacks_and_degraded(self) -> None:
        sight.note_answer("home", "popular", True, 0.004)
        found = sight.lately()
        assert found is not None
        self.assertEqual((found.lists, found.fallbacks, found.degraded), (1, 1, 1))

    def test_the_last_minutes(self) -> None:
        for milliseconds in [4] * 90 + [40] * 10:
            sight.note_answer("home", "popular" if milliseconds == 40 else None, False, milliseconds / 1000)
        sight.note_events(20, 1, 2, 0.5)
        found = sight.lately()
        assert found is not None
        assert found.p50 is not None
        assert found.p95 is not None
        self.assertEqual((found.lists, found.fallbacks, found.events, found.event_delay), (100, 10, 20, 0.5))
        self.assertTrue(0.003 <= found.p50 <= 0.005)
        self.assertTrue(0.025 <= found.p95 <= 0.05)


class LogTests(TestCase):
    def test_a_line_is_json_with_the_request_s_id(self) -> None:
        before = structlog.get_config()
        self.addCleanup(structlog.configure, **before)
        configuration = logs.configure(level="INFO", form="json")
        formatter = logging.config.dictConfigClass(configuration).configure_formatter(
            dict(configuration["formatters"]["entry"])
        )
        out = io.StringIO()
        handler = logging.StreamHandler(out)
        handler.setFormatter(formatter)
        logger = logging.getLogger("tests.lines")
        logger.addHandler(handler)
        logger.propagate = False
        with structlog.contextvars.bound_contextvars(request_id="r-1"):
            try:
                raise ValueError("expected 1")
            except ValueError:
                logger.exception("it failed")
        entry = orjson.loads(out.getvalue())
        self.assertEqual((entry["event"], entry["level"], entry["request_id"]), ("it failed", "error", "r-1"))
        self.assertIn("ValueError: expected 1", entry["exception"])
