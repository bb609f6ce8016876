from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest import TestCase as PlainTestCase
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings
from django.utils import timezone

from behavior import profile_batches, services
from behavior.models import Event, Shopper, ShopperProfile
from behavior.profile_fold import fold
from behavior.profiles import Log, Norms, Profile, Shelf
from behavior.records import UNTIMED
from behavior.segments import segment_of
from tests.goods import make_event, make_products, make_shoppers

SATURDAY = datetime(2026, 3, 7, 10, tzinfo=UTC)
NORMS = Norms(("view", "purchase"), often=6.0, often_events=20.0, gap=7.0, band_edges=(1.0, 2.0, 3.0, 4.0))
SHELF = Shelf(
    np.array([1, 2, 3]),
    np.array(["milk", "tea", "stub"], object),
    np.array(["Dairy > Milk", "Drinks > Tea", ""], object),
    np.array(["Farm", "Leaf", ""], object),
)
Row = tuple[int, datetime, str, int, float, float, str]


def log(*rows: Row) -> Log:
    columns: list[Any] = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(7)]
    shopper, at, kind, product, quantity, price, session = columns
    return Log(
        np.array(shopper, np.int64),
        np.array([moment.timestamp() for moment in at]),
        pd.Categorical(kind),
        np.array(product, np.int64),
        np.array(quantity, float),
        np.array(price, float),
        pd.Categorical(session),
    )


def weekly(weeks: int, *, shopper: int = 7, product: int = 1) -> list[Row]:
    """Milk every Saturday, two at 1.50, in a basket of its own."""
    return [
        (shopper, SATURDAY - timedelta(weeks=week), "purchase", product, 2.0, 1.5, f"b{week}") for week in range(weeks)
    ]


def folded(*rows: Row, as_of: datetime = SATURDAY, zone: str = "UTC") -> dict[int, Profile]:
    return fold(log(*rows), SHELF, NORMS, as_of=as_of, zone=ZoneInfo(zone))


class FoldTests(PlainTestCase):
    def test_counts_baskets_money_and_gaps(self) -> None:
        view: Row = (7, SATURDAY, "view", 2, np.nan, np.nan, "")
        profile = folded(*weekly(5), view)[7]
        self.assertEqual((profile.events, profile.counts), (6, {"purchase": 5, "view": 1}))
        self.assertEqual((profile.baskets, profile.visits, profile.products), (5, 5, 2))
        self.assertEqual((profile.spend, profile.mean_basket, profile.gap_days), (15.0, 3.0, 7.0))
        self.assertEqual((profile.first_at, profile.last_at), (SATURDAY - timedelta(weeks=4), SATURDAY))

    def test_affinities_by_level_brand_and_price(self) -> None:
        rows = [*weekly(3), (7, SATURDAY, "purchase", 2, 1.0, 9.0, "b0"), (7, SATURDAY, "purchase", 3, 1.0, 1.0, "b0")]
        profile = folded(*rows)[7]
        roots, branches, _ = profile.categories
        self.assertEqual((roots[0].name, roots[0].lines, roots[0].spend, roots[0].share), ("Dairy", 3, 9.0, 0.75))
        self.assertEqual([a.name for a in branches], ["Dairy > Milk", "Drinks > Tea"])
        self.assertEqual([a.name for a in profile.brands], ["Farm", "Leaf"])
        self.assertEqual(profile.price_bands, (0.0, 0.8, 0.0, 0.0, 0.2))

    def test_times_are_the_shops_own(self) -> None:
        midnight = (7, datetime(2026, 3, 7, 2, tzinfo=UTC), "purchase", 1, 1.0, 1.0, "")
        here, there = folded(midnight)[7], folded(midnight, zone="America/New_York")[7]
        self.assertEqual((here.weekdays.index(1.0), here.hours.index(1.0)), (5, 2))
        self.assertEqual((there.weekdays.index(1.0), there.hours.index(1.0)), (4, 21))

    def test_a_product_that_comes_back_has_a_rhythm(self) -> None:
        (rhythm,) = folded(*weekly(4))[7].rhythms
        self.assertEqual((rhythm.product, rhythm.times, rhythm.gap_days), ("milk", 4, 7.0))
        self.assertEqual(datetime.fromisoformat(rhythm.expected_at), SATURDAY + timedelta(weeks=1))

    def test_one_shopper_alone_is_the_same_as_among_others(self) -> None:
        everybody = folded(*weekly(5), *weekly(2, shopper=8, product=2))
        self.assertEqual(everybody[7], folded(*weekly(5))[7])
        self.assertEqual(everybody[8], folded(*weekly(2, shopper=8, product=2))[8])

    def test_without_times_prices_or_attributes_there_is_still_a_profile(self) -> None:
        profile = folded(
            (7, UNTIMED, "purchase", 3, np.nan, np.nan, ""), (7, UNTIMED, "purchase", -1, np.nan, np.nan, "")
        )[7]
        self.assertEqual((profile.events, profile.last_at, profile.spend, profile.mean_basket), (2, None, 0.0, None))
        self.assertEqual((profile.categories, profile.rhythms, profile.weekdays), ((), (), ()))
        self.assertIn("no time", profile.reason)

    def test_types_that_say_nothing_are_counted_only(self) -> None:
        profile = folded((7, SATURDAY, "impression", 1, np.nan, np.nan, ""))[7]
        self.assertEqual((profile.counts, profile.visits, profile.categories), ({"impression": 1}, 0, ()))

    def test_nobody_is_nothing_and_json_comes_back(self) -> None:
        self.assertEqual(folded(), {})
        profile = folded(*weekly(5))[7]
        self.assertEqual(Profile.from_dict(profile.to_dict()), profile)
        self.assertEqual(Norms.from_dict(NORMS.to_dict()), NORMS)


class SegmentTests(PlainTestCase):
    def segment(self, **known: Any) -> str:
        usual: dict[str, Any] = {"visits": 5, "events": 9, "gap": 7.0, "recency": 2.0, "norms": NORMS}
        return segment_of(**usual | known)[0]

    def test_each_segment(self) -> None:
        self.assertEqual(self.segment(visits=1, gap=None), "new")
        self.assertEqual(self.segment(), "weekly")
        self.assertEqual(self.segment(gap=25.0), "occasional")
        self.assertEqual(self.segment(visits=12), "loyal")
        self.assertEqual(self.segment(recency=30.0), "lapsing")
        self.assertEqual(self.segment(recency=100.0), "lost")
        self.assertEqual(self.segment(visits=1, gap=None, recency=100.0), "lost")
        self.assertEqual(self.segment(visits=0, recency=None), "occasional")
        self.assertEqual(self.segment(visits=0, events=50, recency=None), "loyal")

    def test_the_rule_follows_the_shop(self) -> None:
        yearly = Norms(("purchase",), often=3.0, gap=365.0)
        self.assertEqual(self.segment(visits=2, gap=300.0, recency=200.0, norms=yearly), "new")


class BuildProfilesTests(TestCase):
    def setUp(self) -> None:
        self.products = make_products(4)
        self.anna, self.ben = make_shoppers(2)

    def buy(self, shopper: Shopper, days_ago: int, **fields: Any) -> Event:
        return make_event(shopper, self.products[0], at=SATURDAY - timedelta(days=days_ago), price=2.0, **fields)

    def test_stores_a_row_a_shopper_and_replaces_it(self) -> None:
        for days in (0, 7, 14, 21):
            self.buy(self.anna, days)
        self.assertEqual(services.build_profiles(), 1)
        self.assertEqual(services.build_profiles(), 1)
        row = ShopperProfile.objects.get()
        self.assertEqual((row.shopper, row.baskets, row.spend, row.as_of), (self.anna, 4, 8.0, SATURDAY))
        self.assertEqual(Profile.from_dict(row.data).categories[0][0].name, "Drinks")

    def test_as_of_looks_no_further(self) -> None:
        for days in (0, 7, 14):
            self.buy(self.anna, days)
        services.build_profiles(as_of=SATURDAY - timedelta(days=5))
        self.assertEqual(ShopperProfile.objects.get().baskets, 2)

    def test_who_must_not_be_profiled_or_has_no_events_has_none(self) -> None:
        self.buy(self.anna, 0)
        self.buy(self.ben, 0)
        services.build_profiles()
        Shopper.objects.filter(pk=self.anna.pk).update(consent=False)
        Event.objects.filter(shopper=self.ben).delete()
        services.build_profiles()
        self.assertEqual(ShopperProfile.objects.count(), 0)

    def test_simulated_clicks_say_nothing_simulated_purchases_do(self) -> None:
        self.buy(self.anna, 0, type="click", source="simulator")
        self.buy(self.anna, 1, source="simulator")
        services.build_profiles()
        self.assertEqual(ShopperProfile.objects.get().events, 1)

    def test_one_shopper_live_is_the_same_as_in_the_batch(self) -> None:
        for days in (0, 7, 14, 21):
            self.buy(self.anna, days)
        services.build_profiles()
        live = services.build_profile(self.anna, as_of=SATURDAY)
        self.assertEqual(live, Profile.from_dict(ShopperProfile.objects.get().data))
        self.assertEqual(services.build_profile(self.ben, as_of=SATURDAY), Profile())

    def test_profiles_are_current_until_something_happens(self) -> None:
        self.buy(self.anna, 0)
        self.assertFalse(services.are_profiles_current())
        services.build_profiles()
        self.assertTrue(services.are_profiles_current())
        self.buy(self.ben, -1)
        self.assertFalse(services.are_profiles_current())

    def post(self, shopper: Shopper, *, ago: timedelta, **fields: Any) -> None:
        """An event of just now, received ``ago``."""
        happened: dict[str, Any] = {"at": timezone.now() - ago, "price": 2.0, **fields}
        event = make_event(shopper, self.products[0], **happened)
        Event.objects.filter(pk=event.pk).update(received_at=timezone.now() - ago)

    def test_whoever_posted_lately_is_folded_anew_and_only_they(self) -> None:
        for minutes in (5, 4, 3):
            self.post(self.anna, ago=timedelta(minutes=minutes))
        services.build_profiles()
        self.assertEqual(services.refresh_profiles(), 0)
        self.post(self.ben, ago=timedelta(minutes=1))
        made = ShopperProfile.objects.get(shopper=self.anna).updated_at
        self.assertEqual(services.refresh_profiles(), 1)
        self.assertEqual(ShopperProfile.objects.get(shopper=self.ben).baskets, 1)
        self.assertEqual(ShopperProfile.objects.get(shopper=self.anna).updated_at, made)
        self.assertEqual(services.refresh_profiles(), 0)
        Shopper.objects.filter(pk=self.ben.pk).update(consent=False)
        self.post(self.ben, ago=timedelta(0))
        self.post(self.anna, ago=timedelta(0), type="click", source="simulator")
        self.assertEqual(services.refresh_profiles(), 0)

    def test_what_comes_while_its_shopper_is_folded_is_folded_next(self) -> None:
        self.post(self.anna, ago=timedelta(minutes=1))
        read = profile_batches.read_log

        def read_and_miss_one(shoppers: Sequence[int], as_of: datetime) -> Log:
            found = read(shoppers, as_of)
            self.post(self.anna, ago=timedelta(0))
            return found

        with patch.object(profile_batches, "read_log", read_and_miss_one):
            self.assertEqual(services.refresh_profiles(), 1)
        self.assertEqual(ShopperProfile.objects.get().events, 1)
        self.assertEqual(services.refresh_profiles(), 1)
        self.assertEqual(ShopperProfile.objects.get().events, 2)

    def test_what_comes_while_everybody_is_folded_is_folded_next(self) -> None:
        self.post(self.anna, ago=timedelta(minutes=5))
        self.post(self.anna, ago=timedelta(minutes=1))
        services.build_profiles(as_of=timezone.now() - timedelta(minutes=2))  # the newest event when it began
        self.assertEqual(ShopperProfile.objects.get().events, 1)
        self.assertEqual(services.refresh_profiles(), 1)
        self.assertEqual(ShopperProfile.objects.get().events, 2)

    def test_what_lies_ahead_of_the_clock_waits_until_its_time(self) -> None:
        self.post(self.anna, ago=timedelta(minutes=1), at=timezone.now() + timedelta(minutes=2))
        self.assertEqual(services.refresh_profiles(), 0)
        Event.objects.update(at=timezone.now())
        self.assertEqual(services.refresh_profiles(), 1)
        self.assertEqual(services.refresh_profiles(), 0)

    @override_settings(SHOP_TIME_ZONE="America/New_York")
    def test_the_shops_time_zone_counts(self) -> None:
        self.buy(self.anna, 0)
        services.build_profiles()
        self.assertEqual(Profile.from_dict(ShopperProfile.objects.get().data).hours.index(1.0), 5)

    def test_what_cannot_be_true_does_not_stop_the_batch(self) -> None:
        self.buy(self.anna, 0, quantity=1e300, value=-1.0)
        make_event(self.anna, None, type="impression", at=datetime(1, 1, 2, tzinfo=UTC))
        make_event(self.anna, self.products[1], at=datetime(1900, 1, 1, tzinfo=UTC), price=1e300, quantity=-1e300)
        services.build_profiles()
        self.assertLess(abs(ShopperProfile.objects.get().spend), 1e13)

    def test_portions_are_of_about_the_same_size(self) -> None:
        half = profile_batches.PORTION // 2
        counted = [(1, half), (2, half), (3, 10), (4, 10)]
        self.assertEqual(list(profile_batches.portions(counted)), [[1, 2], [3, 4]])

    def test_the_command_counts_segments_and_refuses_no_time(self) -> None:
        self.buy(self.anna, 0)
        out = StringIO()
        call_command("build_profiles", stdout=out)
        self.assertIn("1 profiles in", out.getvalue())
        self.assertIn("1 new", out.getvalue())
        with self.assertRaises(CommandError):
            call_command("build_profiles", as_of="yesterday")

    def test_an_empty_shop_has_no_profiles(self) -> None:
        self.assertEqual(services.build_profiles(), 0)
