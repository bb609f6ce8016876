from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.test import SimpleTestCase, TestCase

from behavior.models import Event
from behavior.services import build_profiles
from recommender import readiness
from recommender.models import Generation, Placement, Switch, TrainingRun
from recommender.readiness import Facts, TypeFacts, judge
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers

GROCER = Facts(
    newest=NEWEST,
    model=3,
    types={"purchase": TypeFacts(1000, 90, 200, 172)},
    shoppers=90,
    days=28,
    sold_products=400,
    lines=1000,
    joint_lines=710,
    profiles=100,
    known_profiles=95,
    habits=80,
)


class JudgeTest(SimpleTestCase):
    def test_every_strategy_of_a_placement_is_judged(self) -> None:
        for facts in (Facts(), GROCER):
            self.assertEqual(set(judge(facts)), {str(value) for value in Placement.Strategy.values})

    def test_a_grocer_that_posts_purchases_only(self) -> None:
        found = judge(GROCER)
        self.assertEqual(
            {name: round(one.share, 3) for name, one in found.items()},
            {
                "personal": 0.95,
                "similar": 0.71,
                "bought_together": 0.86,
                "basket": 0.86,
                "trending": 0.7,
                "buy_again": 0.8,
                "recently_viewed": 0.0,
                "popular": 1.0,
            },
        )
        self.assertEqual(found["similar"].state, "works, thin")
        self.assertEqual(found["recently_viewed"].state, "not ready")
        self.assertEqual(found["recently_viewed"].words, "Recently viewed lacks views: 0 in 28 days.")
        self.assertIn("only purchases arrive", found["trending"].words)

    def test_one_view_is_not_views(self) -> None:
        lone = replace(GROCER, types={**GROCER.types, "view": TypeFacts(1, 1, 1, 0)})
        many = replace(GROCER, types={**GROCER.types, "view": TypeFacts(900, 60, 70, 60)})
        self.assertEqual(judge(lone)["trending"].share, readiness.PURCHASES_ONLY)
        self.assertIn("1 view or click in", judge(lone)["trending"].causes[0])
        self.assertEqual(judge(many)["trending"].share, 1.0)

    def test_no_share_is_outside_of_0_and_1_and_each_lack_has_a_cause(self) -> None:
        views = Facts(
            newest=datetime(1970, 1, 1, tzinfo=UTC), model=1, types={"view": TypeFacts(9, 3, 3, 3)}, shoppers=2, lines=9
        )
        for facts in (Facts(), GROCER, views):
            for one in judge(facts).values():
                self.assertTrue(0 <= one.share <= 1, one)
                self.assertTrue(one.causes or one.share >= readiness.WORKS, one)

    def test_without_times_there_is_no_trend(self) -> None:
        untimed = judge(Facts(newest=datetime(1970, 1, 1, tzinfo=UTC), model=1))
        self.assertEqual(untimed["trending"].share, 0.0)
        self.assertIn("times", untimed["trending"].words)

    def test_without_a_model_personal_lists_say_so(self) -> None:
        found = judge(Facts(newest=NEWEST, types=GROCER.types, sold_products=400))
        for name in ("personal", "similar", "bought_together", "basket", "buy_again"):
            self.assertIn("No model serves", found[name].words)
        self.assertEqual(found["popular"].share, 1.0)


class FactsTest(TestCase):
    def test_an_empty_shop(self) -> None:
        self.assertEqual(readiness.read_facts(), Facts())
        self.assertIn("lacks events", readiness.of_strategies()["popular"].words)

    def test_a_planted_history(self) -> None:
        products, shoppers = make_products(), make_shoppers(10)
        make_history(shoppers, products)
        build_profiles()
        lone = make_products(1, prefix="lone")[0]
        make_event(shoppers[0], lone, type="view", at=NEWEST)
        make_event(shoppers[1], products[1], type="view", at=NEWEST - timedelta(days=29))  # before the window
        make_event(shoppers[2], products[2], type="click", source="simulator")
        run = TrainingRun.objects.create(status="succeeded")
        Switch.objects.create(
            generation=Generation.objects.create(run=run, as_of=NEWEST, status="ready"), reason="published"
        )
        with self.assertNumQueries(6):
            facts = readiness.read_facts()
        self.assertEqual(facts.model, run.pk)
        self.assertEqual(facts.types["view"], TypeFacts(1, 1, 1, 0))
        self.assertNotIn("click", facts.types)
        self.assertEqual(facts.shoppers, 10)
        self.assertEqual((facts.lines, facts.joint_lines), _lines_by_hand())
        self.assertEqual((facts.profiles, facts.known_profiles, facts.habits), (10, 10, 10))
        purchases = facts.types["purchase"]
        self.assertEqual(purchases.baskets, purchases.shared_baskets)
        self.assertTrue(0 < facts.days <= 28)
        self.assertEqual(judge(facts)["recently_viewed"].share, 0.1)


def _lines_by_hand() -> tuple[int, int]:
    lately = Event.objects.filter(at__gt=NEWEST - readiness.WINDOW).exclude(source="simulator")
    had = list(lately.values_list("product_id", "shopper_id"))
    shoppers: dict[int, set[int]] = {}
    for product, shopper in had:
        shoppers.setdefault(product, set()).add(shopper)
    return len(had), sum(len(shoppers[product]) > 1 for product, _ in had)
