from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product
from recommender.models import Rule, ServedList
from recsite.dashboard import roles
from recsite.dashboard.components import Later, Nothing
from recsite.dashboard.graphics import Bars
from recsite.dashboard.pages import product as page
from recsite.dashboard.pages.product import ProductPage
from recsite.dashboard.pages.product_more import ProductMore
from recsite.dashboard.queries import product as queries
from recsite.dashboard.shop import read_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.goods import NEWEST, make_event, make_products, make_shoppers

EARLIER = NEWEST - timedelta(hours=1)


def serve(products: list[Product], *, placement: str = "home") -> str:
    """A served list of the newest day."""
    name = f"rec_{uuid.uuid4().hex[:20]}"
    ServedList.objects.create(
        recommendation_id=name,
        at=EARLIER,
        placement=placement,
        shopper_kind="shopper",
        shopper_external_id="s0",
        products=[p.pk for p in products],
    )
    return name


class ProductPageTest(TestCase):
    def setUp(self) -> None:
        self.tea, self.coffee, self.plain = make_products(3)
        self.anna, self.ben = make_shoppers(2)
        self.shop = read_shop()

    def build(self, product: Product | None = None, **params: str) -> ProductPage:
        return page.build(product or self.tea, params, self.shop, permissions=frozenset())

    def more(self, product: Product | None = None) -> ProductMore:
        more = self.build(product).more
        assert isinstance(more, ProductMore)
        return more

    def test_figures_count_lines_shoppers_and_revenue(self) -> None:
        make_event(self.anna, self.tea, price=2.0, quantity=3)
        make_event(self.ben, self.tea, price=2.0)
        make_event(self.ben, self.tea, price=2.0, at=NEWEST - timedelta(days=40))
        values = [figure.value + figure.unit for figure in self.build().figures]
        self.assertEqual(values, ["3", "2", "$10.00", "2"])

    def test_a_week_without_a_sale_is_zero_units_and_has_no_price(self) -> None:
        for week in (0, 2):
            make_event(self.anna, self.tea, price=2.0, at=NEWEST - timedelta(weeks=week))
        units, price = self.build().trend, self.build(trend="price").trend
        assert units
        assert price
        self.assertEqual(units.figure["data"][-1]["y"], [1.0, 0.0, 1.0])
        self.assertEqual(price.figure["data"][-1]["y"], [2.0, None, 2.0])

    def test_gaps_are_named_with_what_is_done_instead(self) -> None:
        bare = Product.objects.create(external_id="bare")
        facts = {fact.term: fact for fact in page.attributes(bare, self.shop)}
        self.assertEqual((facts["Price"].value, facts["Price"].note), ("", "Price rules skip it"))
        self.assertEqual(self.build(bare).known, f"0 of {len(facts)} known")

    def test_the_funnel_counts_lists_that_held_it(self) -> None:
        first = serve([self.tea, self.coffee])
        second = serve([self.coffee, self.tea], placement="similar")
        for name in (first, second, serve([self.coffee])):
            make_event(self.anna, None, type="impression", recommendation_id=name, at=EARLIER)
        make_event(self.anna, self.tea, type="click", recommendation_id=first, at=EARLIER)
        make_event(self.anna, self.coffee, type="click", recommendation_id=first, at=EARLIER)
        make_event(self.anna, self.tea)  # bought within the day
        make_event(self.ben, self.tea)  # somebody else
        built = self.more()
        assert isinstance(built.funnel, Bars)
        self.assertEqual([row.value for row in built.funnel.rows], ["2", "1", "0", "1"])
        self.assertIsNone(built.funnel_badge)
        cells = [[cell.content for cell in row.cells] for row in built.shown.rows]
        self.assertEqual(
            cells,
            [["Home", "1", "1", "1.0", "5 in 10 lists"], ["Similar products", "1", "1", "2.0", "every list"]],
        )

    def test_a_purchase_long_after_the_click_is_not_its_doing(self) -> None:
        name = serve([self.tea])
        make_event(self.anna, self.tea, type="click", recommendation_id=name, at=EARLIER, source="simulator")
        make_event(self.anna, self.tea, at=EARLIER + timedelta(hours=25))
        built = self.more()
        assert isinstance(built.funnel, Bars)
        self.assertEqual([row.value for row in built.funnel.rows], ["1", "1", "0", "0"])

    def test_a_list_that_nobody_saw_is_not_counted(self) -> None:
        serve([self.tea])
        self.assertIsInstance(self.more().funnel, Nothing)

    def test_simulated_lists_say_so(self) -> None:
        ServedList.objects.filter(recommendation_id=(name := serve([self.tea]))).update(source="simulator")
        make_event(self.anna, None, type="impression", recommendation_id=name, at=EARLIER)
        self.assertIsNotNone(self.more().funnel_badge)

    def test_never_shown_is_said_and_is_no_zero(self) -> None:
        built = self.more()
        self.assertIsInstance(built.funnel, Nothing)
        self.assertEqual(built.shown.rows, [])

    def test_rules_that_touch_it(self) -> None:
        Rule.objects.create(name="Push tea", verb="boost", status="live", condition={"categories": ["Drinks > Tea"]})
        Rule.objects.create(
            name="No coffee", verb="exclude", status="live", condition={"categories": ["Drinks > Coffee"]}
        )
        Rule.objects.create(name="Old", verb="exclude", status="ended", condition={"products": ["p0"]})
        self.assertEqual(
            [line.text for line in self.more().rules],
            ["Push tea: Boost products in Drinks › Tea × 2 everywhere, for everyone"],
        )
        self.assertEqual(
            [line.text for line in self.more(self.coffee).rules],
            ["No coffee: Never show products in Drinks › Coffee everywhere, for everyone"],
        )

    def test_shared_baskets_and_lift(self) -> None:
        for number in range(3):
            make_event(self.anna, self.tea, session=f"s{number}")
        make_event(self.anna, self.plain, session="s0")
        found = queries.bought_with(self.tea.pk, [self.plain.pk, self.coffee.pk])
        self.assertEqual(found[self.plain.pk].baskets, 1)
        self.assertNotIn(self.coffee.pk, found)

    def test_who_may_not_write_rules_gets_no_button(self) -> None:
        self.assertEqual(self.more().new_rule_href, "")

    def test_it_renders_for_both_roles_and_any_id(self) -> None:
        odd = Product.objects.create(external_id="a/b c?d#e%2f", title="<b>Odd</b>")
        for role in (roles.MERCHANDISER, roles.ADMIN):
            self.client.force_login(make_person(role))
            answer = self.client.get(reverse("product", args=[odd.external_id]))
            self.assertContains(answer, "&lt;b&gt;Odd&lt;/b&gt;")

    def test_a_best_sellers_lower_half_comes_afterwards(self) -> None:
        for _ in range(3):
            make_event(self.anna, self.tea)
        self.client.force_login(make_person())
        address = reverse("product", args=["p0"])
        with patch.object(page, "MANY_LINES", 3):
            later = self.build(trend="price").more
            assert isinstance(later, Later)
            self.assertEqual((later.href, later.whole), ("?trend=price&part=more", "?trend=price&part=all"))
            self.assertNotContains(self.client.get(address), "Where it is recommended")
            self.assertContains(self.client.get(address), 'hx-get="?part=more"')
            self.assertContains(self.client.get(address, {"part": "all"}), "Where it is recommended")
            rest = self.client.get(address, {"part": "more"})
            self.assertContains(rest, "Where it is recommended")
            self.assertNotContains(rest, "<html")
            self.assertNotContains(rest, "part=")
        self.assertIsInstance(self.build().more, ProductMore)

    def test_untimed_purchases_count_in_all_only(self) -> None:
        make_event(self.anna, self.tea, price=2.0, at=datetime(1970, 1, 1, tzinfo=UTC))
        make_event(self.ben, self.tea, price=4.0)
        sold, weeks = queries.sold(
            self.tea.pk, lately=EARLIER - timedelta(days=28), before=EARLIER - timedelta(days=56), zone=self.shop.zone
        )
        self.assertEqual((sold.lines, sold.shoppers, sold.revenue, sold.lately, sold.before), (2, 2, 6.0, 1, 0))
        self.assertEqual(sold.first_at, NEWEST)
        self.assertEqual([(week.lines, week.revenue) for week in weeks], [(1, 4.0)])

    def test_an_unknown_product_is_not_found(self) -> None:
        self.client.force_login(make_person())
        self.assertEqual(self.client.get(reverse("product", args=["nobody"])).status_code, 404)

    @stopped_clock()
    def test_the_query_count_is_bounded(self) -> None:
        self.client.force_login(make_person())
        make_event(self.anna, self.tea)
        self.client.get(reverse("product", args=["p0"]))
        with CaptureQueriesContext(connection) as seen:
            self.client.get(reverse("product", args=["p0"]))
        self.assertLessEqual(len(seen), 20)
