from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from behavior.models import Shopper
from recommender import state
from recommender.models import ServedList
from recsite.dashboard.lists import TileList
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import shopper as page
from recsite.dashboard.pages.shopper import ShopperPage
from recsite.dashboard.pages.shopper_scene import ENTRIES
from recsite.dashboard.queries import shoppers as queries
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import make_profile, text_of
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers
from tests.recommender.test_publish import PublishCase


class ShopperPageTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        self.products = make_products(12)
        self.anna, self.ben = make_shoppers(2)

    def build(self, **params: str) -> ShopperPage:
        return page.build(Shopper.objects.select_related("profile").get(pk=self.anna.pk), params, read_shop())

    def test_figures_and_blocks_of_a_regular(self) -> None:
        make_history([self.anna], self.products, weeks=4)
        made = self.build()
        assert made.stats
        assert made.rhythm
        assert made.buys
        self.assertEqual(made.stats.stats[0].value, "4")
        self.assertTrue(made.rhythm.rows)
        self.assertIsNone(made.empty)
        self.assertEqual(
            sum(made.buys.figure["data"][0]["values"]), round(sum(made.buys.figure["data"][0]["values"]), 2)
        )

    def test_the_timeline_groups_by_visit_and_names_the_kind(self) -> None:
        make_event(self.anna, self.products[0], price=2.0)
        make_event(self.anna, self.products[1], price=3.0)
        make_event(self.anna, self.products[2], type="click", placement="home", source="simulator")
        make_event(self.anna, None, type="impression", placement="home")
        titles = {entry.title: entry for entry in self.build().timeline.entries}
        self.assertEqual(set(titles), {"Basket, 2 lines", "Clicked 1 product", "Saw Home"})
        self.assertEqual(titles["Basket, 2 lines"].amount, "$5.00")
        self.assertIsNotNone(titles["Clicked 1 product"].badge)
        self.assertEqual([entry.title for entry in self.build(kind="purchases").timeline.entries], ["Basket, 2 lines"])
        self.assertEqual([entry.title for entry in self.build(kind="clicks").timeline.entries], ["Clicked 1 product"])

    def test_earlier_visits_are_one_click_away(self) -> None:
        make_history([self.anna], self.products, weeks=10)
        short, long = self.build().timeline, self.build(timeline="all").timeline
        self.assertEqual((len(short.entries), short.more), (ENTRIES, "4 earlier visits"))
        self.assertEqual((len(long.entries), long.more), (10, ""))

    def test_a_tile_leads_to_why_this_shopper_gets_it(self) -> None:
        make_history([self.anna], self.products, weeks=4)
        open_new_shop(self)
        tiles = self.build().sees.tiles
        assert isinstance(tiles, TileList)
        self.assertEqual(tiles.cards[0].href, f"/preview/?shopper=s0&why={tiles.cards[0].key}#why")
        self.client.force_login(make_person())
        why = self.client.get(tiles.cards[0].href)
        self.assertContains(why, "Why is “")
        self.assertContains(why, f"product={tiles.cards[0].key}&amp;placement=home&amp;preview_shopper=s0")

    def test_the_segment_says_why(self) -> None:
        profile = make_profile(self.anna, segment="loyal")
        profile.data = {"reason": "comes often, and still does", "weekdays": [0, 0, 0, 0, 0, 1, 0]}
        profile.save()
        facts = self.build().segment
        assert facts
        self.assertEqual(facts.items[1].value, "comes often, and still does")
        self.assertIn("Saturday", facts.items[2].value)

    def test_a_log_without_time_is_shown_without_dates(self) -> None:
        for product in self.products[:3]:
            make_event(self.anna, product, at=datetime(1970, 1, 1, tzinfo=UTC), price=1.0)
        made = self.build()
        assert made.stats
        assert made.rhythm
        self.assertEqual(made.stats.stats[4].value, "no data")
        self.assertEqual(made.timeline.entries[0].day, "no time")
        self.assertEqual(made.rhythm.rows, [])

    def test_views_alone_are_shown_as_interest(self) -> None:
        make_event(self.anna, self.products[0], type="view")
        made = self.build()
        assert made.stats
        self.assertEqual((made.buys_title, made.stats.stats[1].value), ("What they look at", "no data"))
        self.assertEqual(made.buys_choice.items, [])


class ShopperViewTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        self.client.force_login(make_person())
        self.products = make_products(12)
        self.anna, self.ben = make_shoppers(2)

    def test_somebody_who_did_nothing_yet(self) -> None:
        self.assertContains(self.client.get(reverse("shopper", args=["s0"])), "Nothing has happened yet")

    def test_a_visitor_who_logged_in_is_shown_as_the_shopper(self) -> None:
        Shopper.objects.create(kind="visitor", external_id="v1", merged_into=self.anna)
        self.assertRedirects(self.client.get(reverse("visitor", args=["v1"])), reverse("shopper", args=["s0"]))

    def test_without_a_model_there_is_none_to_name(self) -> None:
        badge = '<span class="badge badge-warn">no model yet</span>'
        self.assertContains(self.client.get(reverse("shopper", args=["s0"])), badge, html=True)

    def test_unknown_ones_are_not_found(self) -> None:
        self.assertEqual(self.client.get(reverse("shopper", args=["nobody"])).status_code, 404)
        self.assertEqual(self.client.get(reverse("visitor", args=["s0"])).status_code, 404)

    def test_what_is_known_can_be_taken_away(self) -> None:
        make_event(self.anna, self.products[0], price=2.0)
        make_event(self.anna, self.products[1], type="view", at=NEWEST - timedelta(days=1))
        make_event(self.ben, self.products[2])
        Shopper.objects.create(kind="visitor", external_id="v1", merged_into=self.anna)
        ServedList.objects.create(
            recommendation_id="rec_1",
            at=NEWEST,
            shopper_kind="shopper",
            shopper_external_id="s0",
            placement="home",
            products=[self.products[3].pk],
        )
        answer = self.client.get(reverse("shopper", args=["s0"]), {"format": "json"})
        self.assertIn("attachment", answer["Content-Disposition"])
        known = answer.json()
        self.assertEqual((known["id"], known["age"], known["visitors"]), ("s0", "20", ["v1"]))
        self.assertEqual([event["product"] for event in known["events"]], ["p1", "p0"])
        self.assertEqual(known["lists_answered"][0]["products"], ["p3"])
        self.assertEqual(AuditEntry.objects.get().action, "data.export")

    def test_csv_has_every_event(self) -> None:
        make_history([self.anna], self.products, weeks=3)
        lines = text_of(self.client.get(reverse("shopper", args=["s0"]), {"format": "csv"})).splitlines()
        self.assertEqual(lines[0], ",".join(page.CSV_HEADER))
        self.assertGreater(len(lines), 10)

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_history(self) -> None:
        make_history([self.anna], self.products, weeks=2)
        make_history([self.ben], self.products, weeks=20, seed=1)
        counts = []
        for name in ("s0", "s1"):
            self.client.get(reverse("shopper", args=[name]))
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("shopper", args=[name]))
            counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 16)  # two of them, the shop's prices, once in ten minutes

    def test_no_report_of_a_run_is_read(self) -> None:
        """Megabytes of JSON, of which a list names only whose model made it."""
        self.client.get(reverse("shopper", args=["s0"]))  # the process's own state is read once
        with CaptureQueriesContext(connection) as seen:
            self.client.get(reverse("shopper", args=["s0"]))
        models = [query["sql"] for query in seen if "recommender_switch" in query["sql"]]
        self.assertEqual(len(models), 1)
        self.assertNotRegex(models[0], "report|manifest|recommender_trainingrun")

    def test_events_of_one_time_share_it(self) -> None:
        for product in self.products[:2]:
            make_event(self.anna, product, at=NEWEST)
        first, second = queries.lines_of(self.anna.pk)
        self.assertEqual(first.at, NEWEST)
        self.assertIs(first.at, second.at)


class ServedListTest(PublishCase):
    def test_the_list_names_its_model_and_leads_to_it(self) -> None:
        self.addCleanup(state.forget)
        run = self.publish().generation.run_id
        self.client.force_login(make_person())
        badge = f'<a class="badge" href="/models/{run}/">Model {run} · Best sellers, all time</a>'
        self.assertContains(self.client.get(reverse("shopper", args=["s0"])), badge, html=True)


class TimesTest(TestCase):
    def test_every_time_is_the_shops(self) -> None:
        make_products(1)
        (anna,) = make_shoppers(1)
        make_event(anna, None, type="impression", at=NEWEST + timedelta(hours=11, minutes=30))
        self.client.force_login(make_person())
        with self.settings(SHOP_TIME_ZONE="Asia/Tokyo"):
            answer = self.client.get(reverse("shopper", args=["s0"]))
        self.assertContains(answer, "08:30")
