"""One code path of every list: live scores, named fallbacks, filters, what was just posted, parts that are ill."""

from __future__ import annotations

import tempfile
import time
import uuid
from datetime import timedelta
from typing import NoReturn
from unittest import mock

from django.db import OperationalError, connection
from django.test import TestCase, override_settings
from django.utils import timezone

from behavior.models import Shopper
from behavior.records import NewEvent
from behavior.services import record_events
from catalog.models import Product
from recommender import availability, live, refresh, serve, services, state, steering, store
from recommender.conditions import Condition
from recommender.models import Placement, Rule, ServedList
from recommender.served import store_all
from recommender.state import process
from recsite.testing import flush_redis
from tests.goods import NEWEST, make_event, make_products, make_shoppers
from tests.recommender.test_publish import PublishCase

TEA = {f"p{number}" for number in range(0, 24, 2)}
DOWN = override_settings(REDIS_URL="redis://127.0.0.1:1/0")


def products(request: serve.Request) -> list[str]:
    return [item.product for item in serve.recommend(request).items]


class ServeCase(PublishCase):
    def setUp(self) -> None:
        super().setUp()
        state.forget()
        self.addCleanup(state.forget)
        self.publish()
        availability.publish_base()
        steering.publish()

    def post(self, type_: str, product: str, *, shopper: str | None = None, visitor: str | None = None) -> None:
        event = NewEvent(uuid.uuid4(), type_, timezone.now(), shopper=shopper, visitor=visitor, product=product)
        services.note_events(record_events(events=[event], source="api").accepted)


class Answering(ServeCase):
    def test_a_known_shopper_gets_their_own_taste(self) -> None:
        answer = serve.recommend(serve.Request(shopper="s0", n=5))
        self.assertIsNone(answer.fallback)
        self.assertFalse(answer.degraded)
        self.assertLessEqual({item.product for item in answer.items}, TEA)
        self.assertEqual([item.position for item in answer.items], [1, 2, 3, 4, 5])
        self.assertEqual(answer.items[0].reason.code, "bought_often")

    def test_no_sql_on_the_way(self) -> None:
        serve.recommend(serve.Request(shopper="s0"))
        with self.assertNumQueries(0):
            serve.recommend(serve.Request(shopper="s1"))

    def test_an_answer_as_json_has_the_words_of_the_api(self) -> None:
        shown = serve.recommend(serve.Request(shopper="s0", explain=True)).to_dict()
        self.assertEqual(
            set(shown) - {"method"},
            {"recommendation_id", "placement", "model_version", "experiment", "fallback", "degraded", "as_of", "items"},
        )
        self.assertLessEqual({"product", "position", "score", "reason", "rule", "trace"}, set(shown["items"][0]))

    def test_excluded_filtered_and_anchors_stay_out(self) -> None:
        shown = products(serve.Request(shopper="s0", n=20, exclude=("p0", "p2"), products=("p4",)))
        self.assertFalse({"p0", "p2", "p4"} & set(shown))
        coffee = Condition(categories=("Drinks > Coffee",))
        self.assertFalse(TEA & set(products(serve.Request(shopper="s0", n=20, filters=coffee))))

    def test_an_unknown_placement_is_told(self) -> None:
        with self.assertRaises(serve.UnknownPlacement):
            serve.recommend(serve.Request(placement="attic"))

    def test_a_rule_is_live_on_the_next_answer(self) -> None:
        before = products(serve.Request(shopper="s0"))
        Rule.objects.create(
            name="Coffee first", verb="pin", status="live", condition={"products": ["p1"]}, parameters={"position": 1}
        )
        services.note_settings("rules")
        answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertEqual((answer.items[0].product, answer.items[0].rule), ("p1", Rule.objects.get().pk))
        self.assertEqual(products(serve.Request(shopper="s0", rules=())), before)

    def test_a_narrow_rule_still_fills_the_list(self) -> None:
        """Though nothing that it lets through is among what was ranked."""
        make_products(300, prefix="x")
        loved = set(products(serve.Request(shopper="s0", n=20)))
        rare = [f"x{number}" for number in range(200, 212)]
        Rule.objects.create(name="Rare things", verb="only", condition={"products": rare}, status="live")
        steering.publish()
        availability.publish_base()
        state.forget()
        for shopper in ("s0", None):
            shown = products(serve.Request(shopper=shopper))
            self.assertEqual(len(shown), 10)
            self.assertLessEqual(set(shown), set(rare))
        self.assertFalse(loved & set(rare))

    def test_a_served_list_arrives_in_postgres_once(self) -> None:
        answer = serve.recommend(serve.Request(shopper="s0", n=3))
        serve.recommend(serve.Request(shopper="s1", record=False))
        self.assertEqual(store_all(), 1)
        row = ServedList.objects.get()
        self.assertEqual(row.recommendation_id, answer.recommendation_id)
        self.assertEqual(row.products, [item.product_id for item in answer.items])
        self.assertEqual(store_all(), 0)


class Fallbacks(ServeCase):
    def test_an_unknown_shopper_gets_what_sells(self) -> None:
        answer = serve.recommend(serve.Request(shopper="stranger", n=5))
        self.assertEqual((answer.fallback, len(answer.items)), ("trending", 5))

    def test_every_placement_answers_a_stranger_and_names_the_step(self) -> None:
        for slug in serve.BUILT_IN:
            answer = serve.recommend(serve.Request(visitor="v", placement=slug, n=4))
            self.assertEqual(len(answer.items), 4, slug)
            self.assertEqual(answer.fallback, None if slug == "trending" else "trending", slug)

    def test_similar_products_are_of_the_anchors_side(self) -> None:
        answer = serve.recommend(serve.Request(placement="similar", products=("p0",), n=4))
        self.assertIsNone(answer.fallback)
        self.assertLessEqual({item.product for item in answer.items}, TEA)

    def test_buy_again_begins_with_what_was_bought(self) -> None:
        bought = {event.product.external_id for event in self.shoppers[0].event_set.all() if event.product}
        answer = serve.recommend(serve.Request(shopper="s0", placement="buy-again", n=5))
        self.assertIsNone(answer.fallback)
        self.assertLessEqual({item.product for item in answer.items}, bought)

    def test_an_empty_list_says_its_cause(self) -> None:
        Product.objects.update(stock=0, updated_at=timezone.now())
        services.note_products()
        answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertEqual((answer.items, answer.empty_because), ((), "no product is for sale"))


class Fresh(ServeCase):
    def test_a_dismissed_product_is_gone_from_the_next_answer(self) -> None:
        first = products(serve.Request(shopper="s0"))[0]
        self.post("dismiss", first, shopper="s0")
        self.assertNotIn(first, products(serve.Request(shopper="s0", n=24)))

    def test_a_visitors_view_moves_its_neighbours_up(self) -> None:
        self.assertEqual(serve.recommend(serve.Request(visitor="v")).fallback, "trending")
        self.post("view", "p1", visitor="v")
        answer = serve.recommend(serve.Request(visitor="v", n=4))
        self.assertIsNone(answer.fallback)
        self.assertFalse(TEA & {item.product for item in answer.items})

    def test_the_end_of_the_pool_gives_way_to_what_was_just_touched(self) -> None:
        self.post("view", "p5", shopper="s0")
        held = state.current()
        reading = store.read("s:s0", held.generation)
        subject = live.subject_now(held, "s:s0", reading, time.time())
        assert subject is not None
        assert subject.pool is not None
        with mock.patch.object(live, "SCORED", 8), mock.patch.object(live, "NEIGHBOURS", 2):
            few = set(subject.candidates().tolist())
        self.assertEqual(len(few), 8)
        self.assertLessEqual(set(subject.touched.tolist()), few)
        left = [code for code in subject.pool.codes.tolist() if code in few]
        self.assertEqual(left[:3], subject.pool.codes[:3].tolist())
        self.assertGreater(len(subject.candidates()), 8)

    def test_a_view_is_recently_viewed_at_once(self) -> None:
        self.post("view", "p5", shopper="s0")
        self.assertEqual(products(serve.Request(shopper="s0", placement="recently-viewed"))[0], "p5")

    def test_a_visitor_that_logs_in_brings_their_events(self) -> None:
        self.post("view", "p5", visitor="v")
        services.note_merge(visitor="v", shopper="s0")
        self.assertEqual(products(serve.Request(shopper="s0", placement="recently-viewed"))[0], "p5")
        self.assertEqual(store.recent("v:v"), ())

    def test_sold_out_hidden_and_new_products(self) -> None:
        first, second, *_ = products(serve.Request(shopper="s0"))
        Product.objects.filter(external_id=first).update(stock=0, updated_at=timezone.now())
        Product.objects.filter(external_id=second).update(hidden=True, updated_at=timezone.now())
        Product.objects.create(external_id="fresh", title="Fresh", brand="Only me")
        services.note_products()
        shown = products(serve.Request(shopper="s0", n=24))
        self.assertFalse({first, second} & set(shown))
        self.assertEqual(products(serve.Request(filters=Condition(brands=("Only me",)))), ["fresh"])

    def test_a_placement_is_live_on_save(self) -> None:
        Placement.objects.create(
            slug="tea-corner", title="Tea", strategy="popular", n=3, filters={"category": "Drinks"}
        )
        services.note_settings("placements")
        self.assertEqual(len(products(serve.Request(placement="tea-corner"))), 3)

    def test_a_refresh_counts_what_was_posted(self) -> None:
        Shopper.objects.create(external_id="new")
        self.post("purchase", "p2", shopper="new")
        self.assertTrue(refresh.refresh("s:new"))
        reading = store.read("s:new", state.current().generation)
        assert reading.list is not None
        assert reading.history is not None
        self.assertEqual(len(reading.history.events), 1)
        self.assertIsNone(serve.recommend(serve.Request(shopper="new")).fallback)

    def test_as_of_a_past_day_nothing_later_counts(self) -> None:
        early = NEWEST - timedelta(days=400)
        self.assertEqual(serve.recommend(serve.Request(shopper="s0", as_of=early)).fallback, "trending")
        self.assertIsNone(serve.recommend(serve.Request(shopper="s0", as_of=NEWEST)).fallback)


class Ill(ServeCase):
    def test_redis_down_is_answered_from_the_stored_generation(self) -> None:
        whole = products(serve.Request(shopper="s0"))
        self.addCleanup(store.breaker.succeeded)
        with DOWN:
            answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertTrue(answer.degraded)
        self.assertIsNone(answer.fallback)
        self.assertEqual([item.product for item in answer.items], whole)

    def test_a_process_that_starts_without_redis(self) -> None:
        self.addCleanup(store.breaker.succeeded)
        with DOWN:
            state.forget()
            answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertEqual((answer.degraded, answer.fallback, len(answer.items)), (True, None, 10))

    def test_a_process_that_starts_without_redis_and_postgres(self) -> None:
        def refuse(*_: object) -> NoReturn:
            raise OperationalError("the server is away")

        whole = products(serve.Request(shopper="s0"))
        self.addCleanup(store.breaker.succeeded)
        with DOWN, connection.execute_wrapper(refuse):
            state.forget()
            answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertEqual((answer.degraded, answer.fallback), (True, None))
        self.assertEqual([item.product for item in answer.items], whole)

    def test_what_was_loaded_late_replaces_only_a_partial_state(self) -> None:
        whole = state.current()
        process._complete()
        self.assertIs(state.current(), whole)
        state.forget()
        process._complete()
        self.assertIsNone(process._state)

    def test_an_emptied_redis_is_degraded_and_answers(self) -> None:
        serve.recommend(serve.Request(shopper="s0"))
        flush_redis()
        answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertEqual((answer.degraded, answer.fallback, len(answer.items)), (True, None, 10))


class Bare(TestCase):
    """Shops that have next to nothing."""

    def setUp(self) -> None:
        flush_redis()
        store.breaker.succeeded()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        settings = override_settings(MODEL_DIR=folder.name)
        settings.enable()
        self.addCleanup(settings.disable)
        state.forget()
        self.addCleanup(state.forget)

    def test_an_empty_catalogue_says_so(self) -> None:
        answer = serve.recommend(serve.Request(shopper="s0"))
        self.assertEqual((answer.items, answer.empty_because), ((), "the catalogue is empty"))

    def test_without_a_model_the_popular_is_shown(self) -> None:
        goods, (anna, *_) = make_products(4), make_shoppers(1)
        make_event(anna, goods[2])
        answer = serve.recommend(serve.Request(shopper="s0", n=4))
        self.assertEqual((answer.fallback, answer.items[0].product, len(answer.items)), ("trending", "p2", 4))
