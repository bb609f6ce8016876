"""Asking for lists: what may be asked, by whom, and that there is always an answer."""

from __future__ import annotations

import threading
from unittest.mock import patch

from django.test import TestCase
from redis.connection import Connection

from catalog import services as catalog
from recommender import availability, served, state, store
from recsite.testing import flush_redis
from tests.api.doors import Caller, code, read, start_afresh
from tests.goods import make_products


class RecommendationsCase(TestCase):
    """A shop without a model: every list comes from the fallbacks."""

    def setUp(self) -> None:
        flush_redis()
        start_afresh()
        make_products(24)
        availability.publish_base()
        state.forget()
        self.addCleanup(state.forget)
        self.shop = Caller()

    def ask(self, query: str = "", **headers: str):  # type: ignore[no-untyped-def]
        return self.shop.get(f"recommendations?{query}", **headers)

    def products(self, query: str) -> list[str]:
        return [item["product"] for item in read(self.ask(query))["items"]]


class AnswerTests(RecommendationsCase):
    def test_an_unknown_shopper_is_a_normal_case(self) -> None:
        answer = read(self.ask("shopper=nobody&n=5"))
        self.assertEqual((len(answer["items"]), answer["fallback"]), (5, "popular"))
        self.assertRegex(answer["recommendation_id"], "^rec_")
        self.assertEqual([item["position"] for item in answer["items"]], [1, 2, 3, 4, 5])
        for item in answer["items"]:
            self.assertEqual(set(item), {"product", "position", "score", "reason", "rule"})
            self.assertTrue(item["reason"]["text"])

    def test_every_built_in_placement_answers(self) -> None:
        for slot in ("home", "similar", "bought-together", "basket", "trending", "buy-again", "recently-viewed"):
            with self.subTest(slot):
                self.assertEqual(len(self.products(f"placement={slot}&product=p1&n=3")), 3)

    def test_anchors_and_exclusions_are_not_recommended(self) -> None:
        found = self.products("n=100&product=p0&product=p1&exclude=p2&exclude=p3")
        self.assertEqual(len(found), 20)
        self.assertFalse({"p0", "p1", "p2", "p3"} & set(found))

    def test_filters(self) -> None:
        self.assertEqual(self.products("n=3&filter[category]=Drinks&filter[price_max]=2"), ["p0", "p1"])
        self.assertEqual(self.products('n=30&filter={"brand":["Brand 1"],"price_min":20}'), ["p19", "p22"])

    def test_an_empty_list_says_why(self) -> None:
        answer = read(self.ask("filter[brand]=Nobody"))
        self.assertEqual(
            (answer["items"], answer["empty_because"]), ([], "no product passes the filters and exclusions")
        )

    def test_a_page_shows_no_product_twice(self) -> None:
        body = {"requests": [{"n": 8}, {"placement": "trending", "n": 8}, {"placement": "basket", "product": ["p1"]}]}
        answers = read(self.shop.post("recommendations", body))["answers"]
        shown = [item["product"] for answer in answers for item in answer["items"]]
        self.assertEqual(len(shown), len(set(shown)))
        self.assertEqual([answer["placement"] for answer in answers], ["home", "trending", "basket"])

    def test_explained(self) -> None:
        answer = read(self.ask("explain=true&n=1"))
        self.assertIn("method", answer)
        self.assertLessEqual({"contributions", "trace"}, set(answer["items"][0]))

    def test_recorded_unless_it_is_a_preview(self) -> None:
        self.ask("n=1")
        self.ask("n=1&record=false")
        served.outbox.flush()
        self.assertEqual(len(store.take_served(10)[0]), 1)

    def test_one_trip_to_redis(self) -> None:
        self.ask("shopper=s1&n=5")
        served.outbox.flush()  # its thread makes its own trips, which nobody waits for
        sent: list[int] = []
        send = Connection.send_packed_command

        def counted(connection: Connection, command: list[bytes], check_health: bool = True) -> None:
            if threading.current_thread() is threading.main_thread():
                sent.append(len(command))
            send(connection, command, check_health)

        with patch.object(Connection, "send_packed_command", counted):
            answer = read(self.ask("shopper=s1&n=5"))
        self.assertEqual((len(answer["items"]), answer["degraded"], sent), (5, False, [1]))

    def test_no_sql_on_the_way(self) -> None:
        self.ask("n=1")
        with self.assertNumQueries(0):
            self.ask("shopper=s1&n=5&product=p1")

    def test_redis_down(self) -> None:
        self.ask("n=1")
        with patch.object(store.connection, "ask", side_effect=store.StoreDown):
            answer = read(self.ask("shopper=s1&n=5"))
        self.assertEqual((len(answer["items"]), answer["degraded"]), (5, True))

    def test_sold_out_is_gone(self) -> None:
        catalog.retire_product(external_id="p5")
        availability.publish_changes()
        self.assertNotIn("p5", self.products("n=100"))


class RefusalTests(RecommendationsCase):
    def test_bad_requests(self) -> None:
        for query, expected in (
            ("n=0", (400, "out_of_range")),
            ("n=101", (400, "out_of_range")),
            ("n=ten", (400, "out_of_range")),
            ("n=99999999999999999999", (400, "out_of_range")),
            ("n=1&n=2", (400, "repeated")),
            ("shopper=a&visitor=b", (400, "ambiguous")),
            ("shopper=", (400, "wrong_type")),
            ("shopper=" + "x" * 129, (400, "too_long")),
            ("shopper=%00", (400, "not_text")),
            ("placement=cellar", (404, "not_found")),
            ("explain=maybe", (400, "wrong_type")),
            ("filter[price_max]=cheap", (400, "bad_filter")),
            ("filter=cheap", (400, "wrong_type")),
            ("as_of=yesterday", (400, "bad_time")),
            ("colour=red", (400, "unknown_field")),
        ):
            with self.subTest(query):
                self.assertEqual(code(self.ask(query)), expected)

    def test_an_unknown_placement_is_told_which_there_are(self) -> None:
        message = self.ask("placement=cellar").json()["error"]["message"]
        self.assertIn("home, ", message)
        self.assertIn("received 'cellar'", message)

    def test_bad_bodies(self) -> None:
        refused: list[object] = [
            [],
            {},
            {"requests": []},
            {"requests": [{}] * 21},
            {"requests": [1]},
            {"requests": [{"n": "5"}]},
            {"requests": [{"n": True}]},
            {"requests": [{"exclude": [1]}]},
            {"requests": [{"filter": [1]}]},
            {"requests": [{"filter": {"a": {"b": 1}}}]},
            {"requests": [{"placement": 1}]},
        ]
        for body in refused:
            with self.subTest(body):
                self.assertEqual(self.shop.post("recommendations", body).status_code, 400)

    def test_previews_are_for_admins(self) -> None:
        plain = Caller(scopes=["recommendations:read"], name="Plain")
        for query in ("as_of=2026-01-01T00:00:00Z", "record=false"):
            self.assertEqual(code(plain.get(f"recommendations?{query}")), (403, "missing_scope"))

    def test_a_page_asks_for_visitors_only(self) -> None:
        page = Caller("publishable")
        self.assertEqual(page.get("recommendations?visitor=v1").status_code, 200)
        self.assertEqual(code(page.get("recommendations?shopper=anna")), (404, "not_found"))
