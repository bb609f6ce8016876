"""What stands before every view: ids, sizes, slots, buckets, CORS, one shape of error."""

from __future__ import annotations

import threading
import time
from unittest.mock import patch

import orjson
from django.db import OperationalError
from django.http import HttpResponse
from django.test import TestCase, override_settings

from recsite.api import keys, limits
from recsite.api.limits import Buckets
from recsite.testing import flush_redis
from tests.api.doors import API, Caller, code, event, read, start_afresh


class GateCase(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()
        self.shop = Caller()


class RequestTests(GateCase):
    def test_every_answer_has_a_request_id(self) -> None:
        self.assertRegex(self.client.get(API + "health/live").headers["X-Request-Id"], r"^[0-9a-f]{32}$")
        given = self.shop.get("nowhere", x_request_id="cart-17")
        self.assertEqual(given.headers["X-Request-Id"], "cart-17")
        foreign = self.shop.get("nowhere", x_request_id="<script>")
        self.assertNotIn("<", foreign.headers["X-Request-Id"])

    def test_unknown_address_and_method(self) -> None:
        self.assertEqual(code(self.shop.get("nowhere")), (404, "not_found"))
        refused = self.shop.get("events")
        self.assertEqual(code(refused), (405, "method_not_allowed"))
        self.assertEqual(refused.headers["Allow"], "POST")

    def test_a_trailing_slash_is_no_other_address(self) -> None:
        self.assertEqual(self.shop.post("events/", {"events": [event()]}).status_code, 200)

    def test_no_key_and_unknown_keys(self) -> None:
        for header, expected in (
            ("", "not_authenticated"),
            ("Basic abc", "not_authenticated"),
            ("Bearer ", "not_authenticated"),
            ("Bearer sk_wrong", "unknown_key"),
            ("Bearer " + "x" * 5000, "unknown_key"),
            ("Bearer sk_ünïcode", "unknown_key"),
        ):
            with self.subTest(header):
                answer = self.shop.post("events", {"events": []}, authorization=header)
                self.assertEqual(code(answer), (401, expected))
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")

    def test_a_bug_is_a_500_in_the_same_shape(self) -> None:
        with patch("recsite.api.views.events.behavior.record_events", side_effect=ZeroDivisionError("secret detail")):
            answer = self.shop.post("events", {"events": [event()]})
        self.assertEqual(code(answer), (500, "internal"))
        self.assertNotIn(b"secret detail", answer.content)

    def test_a_database_that_is_down_is_a_503(self) -> None:
        with patch("recsite.api.views.events.behavior.record_events", side_effect=OperationalError("down")):
            answer = self.shop.post("events", {"events": [event()]})
        self.assertEqual(code(answer), (503, "unavailable"))
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)


class SizeTests(GateCase):
    def test_refused_before_it_is_read(self) -> None:
        body = b'{"events": ["' + b"x" * 600_000 + b'"]}'
        with patch("django.http.request.HttpRequest.body", property(lambda _: self.fail("the body was read"))):
            answer = self.shop.post("events", body)
        self.assertEqual(code(answer), (413, "too_large"))

    def test_compressed_bodies(self) -> None:
        answer = self.shop.post("events", b"\x1f\x8b", content_encoding="gzip")
        self.assertEqual(code(answer), (415, "unsupported_encoding"))


class LimitTests(GateCase):
    def test_a_burst_waits_for_its_turn(self) -> None:
        slots, got, first, over = limits.Slots(), [], threading.Event(), threading.Event()

        def hold() -> None:
            with slots.one(1) as has:
                got.append(has)
                first.set()
                over.wait(10)

        def queue() -> None:
            with slots.one(1, waiting=1, seconds=10) as has:
                got.append(has)

        threads = [threading.Thread(target=work) for work in (hold, queue)]
        threads[0].start()
        first.wait(10)
        threads[1].start()
        while not slots.waiting:
            time.sleep(0.001)
        with slots.one(1, waiting=1, seconds=10) as has:  # one waits already
            self.assertFalse(has)
        with slots.one(1, waiting=2, seconds=0.01) as has:  # in vain
            self.assertFalse(has)
        over.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual((got, slots.taken, slots.waiting), ([True, True], 0, 0))

    @override_settings(API_EVENT_SLOTS=0)
    def test_events_beyond_their_share(self) -> None:
        with patch("django.http.request.HttpRequest.body", property(lambda _: self.fail("the body was read"))):
            answer = self.shop.post("events", {"events": [event()]})
        self.assertEqual(code(answer), (503, "busy"))
        self.assertIn("Retry-After", answer.headers)

    def test_slots_are_given_back(self) -> None:
        self.shop.post("events", b"not json")
        self.assertEqual(limits.event_slots.taken, 0)

    @override_settings(API_RATES={"secret": 2, "publishable": 1}, WEB_PROCESSES=2)
    def test_too_many_requests_of_one_key(self) -> None:
        answers = [self.shop.get("products/p1").status_code for _ in range(3)]
        self.assertEqual(answers, [404, 404, 429])
        self.assertGreaterEqual(int(self.shop.get("products/p1").headers["Retry-After"]), 1)
        self.assertEqual(Caller(name="Another").get("products/p1").status_code, 404)

    def test_a_bucket_fills_again(self) -> None:
        buckets = Buckets()
        waits = [buckets.take("a", rate=10, burst=2, now=now) for now in (0.0, 0.0, 0.0, 0.1)]
        self.assertEqual(waits[:2], [0.0, 0.0])
        self.assertAlmostEqual(waits[2], 0.1)
        self.assertEqual(waits[3], 0.0)


class CorsTests(GateCase):
    origin = {"origin": "https://shop.example"}

    def preflight(self, path: str) -> dict[str, str]:
        headers = {**self.origin, "access-control-request-method": "POST"}
        return dict(self.client.options(API + path, headers=headers).headers)

    def test_a_browser_may_ask_for_two_addresses(self) -> None:
        self.assertEqual(self.preflight("events")["Access-Control-Allow-Origin"], "https://shop.example")
        self.assertNotIn("Access-Control-Allow-Origin", self.preflight("products"))

    def test_publishable_keys_only(self) -> None:
        body = {"events": [event(shopper=None, visitor="v1")]}
        page = Caller("publishable").post("events", body, **self.origin)
        self.assertEqual(page.headers["Access-Control-Allow-Origin"], "https://shop.example")
        server = self.shop.post("events", {"events": [event()]}, **self.origin)
        self.assertNotIn("Access-Control-Allow-Origin", server.headers)

    @override_settings(CORS_ORIGINS=["https://other.example"])
    def test_only_the_named_origins(self) -> None:
        self.assertNotIn("Access-Control-Allow-Origin", self.preflight("events"))


class SchemaTests(GateCase):
    def test_schema_and_docs_are_self_hosted(self) -> None:
        self.assertEqual(self.client.get(API + "schema/").status_code, 200)
        docs = self.client.get(API + "docs/")
        self.assertEqual(docs.status_code, 200)
        self.assertNotIn(b"https://cdn", docs.content)
        self.assertIn("script-src 'self';", docs.headers["Content-Security-Policy"] + ";")
        self.assertNotIn(b"<script>", docs.content)

    def test_health_needs_no_key(self) -> None:
        self.assertEqual(read(self.client.get(API + "health/live")), {"status": "live"})
        answer = self.client.get(API + "health/ready")
        self.assertEqual(answer.status_code, 503)  # nothing serves in this database
        self.assertEqual(set(read(answer)["dependencies"]), {"postgres", "redis", "model", "worker"})


@override_settings(CORS_ORIGINS=["https://anybody.example"])
class OriginTests(GateCase):
    """A publishable key for the pages of one host."""

    def setUp(self) -> None:
        super().setUp()
        self.page = Caller("publishable", origins=["https://shop.example"], name="Pages")

    def ask(self, origin: str) -> HttpResponse:
        return self.page.get("recommendations", origin=origin)

    def test_its_own_pages_read_the_answer(self) -> None:
        answer = self.ask("https://shop.example")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://shop.example")

    def test_other_pages_are_turned_away_whatever_cors_origins_says(self) -> None:
        self.assertEqual(code(self.ask("https://anybody.example")), (403, "wrong_origin"))

    def test_a_browser_that_asks_first_is_told_yes_for_the_origin_of_any_live_key(self) -> None:
        def asked(origin: str) -> str | None:
            headers = {"origin": origin, "access-control-request-method": "POST"}
            answer = self.client.options(API + "events", headers=headers)
            return answer.headers.get("Access-Control-Allow-Origin")

        self.ask("https://shop.example")
        self.assertEqual(asked("https://shop.example"), "https://shop.example")
        self.assertEqual(asked("https://anybody.example"), "https://anybody.example")
        self.assertIsNone(asked("https://elsewhere.example"))

    def test_origins_travel_with_the_key_and_a_release_before_reads_it(self) -> None:
        body = keys._pack([keys.ring.find(self.page.made.secret)])  # type: ignore[list-item]
        (key,) = keys._unpack(body)
        self.assertEqual(key.origins, {"https://shop.example"})
        self.assertEqual(key.scopes, keys.BROWSER_SCOPES)
        self.assertEqual(len(orjson.loads(body)[0]), 5)  # as that release takes it apart
