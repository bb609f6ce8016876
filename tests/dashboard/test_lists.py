"""The lists of products and shoppers, and the search of everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from behavior.models import Shopper, ShopperProfile
from recsite.dashboard import roles
from recsite.dashboard.pages import products as products_page
from recsite.dashboard.pages import search as search_page
from recsite.dashboard.pages import shoppers as shoppers_page
from recsite.dashboard.queries import products as queries
from recsite.dashboard.shop import read_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers

PAGES = ("overview", "products", "shoppers", "search")


def text_of(answer: Any) -> str:
    """The whole body, streamed or not."""
    body = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(body).decode()


def make_profile(shopper: Shopper, *, spend: float = 10.0, segment: str = "weekly") -> ShopperProfile:
    return ShopperProfile.objects.create(
        shopper=shopper, segment=segment, events=4, baskets=2, products=3, spend=spend, last_at=NEWEST, as_of=NEWEST
    )


class AccessTest(TestCase):
    def test_a_stranger_is_asked_to_log_in(self) -> None:
        for name in PAGES:
            self.assertRedirects(self.client.get(reverse(name)), f"/login/?next={reverse(name)}")

    def test_a_person_without_a_role_sees_nothing(self) -> None:
        self.client.force_login(make_person(""))
        for name in PAGES:
            self.assertEqual(self.client.get(reverse(name)).status_code, 403, name)

    def test_both_roles_see_the_lists(self) -> None:
        for role in (roles.MERCHANDISER, roles.ADMIN):
            self.client.force_login(make_person(role))
            for name in PAGES:
                self.assertEqual(self.client.get(reverse(name)).status_code, 200, name)


class EmptyShopTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(make_person())

    def test_lists_say_what_to_do_next(self) -> None:
        self.assertContains(self.client.get(reverse("products")), "No products yet")
        self.assertContains(self.client.get(reverse("shoppers")), "No shoppers yet")
        self.assertContains(self.client.get(reverse("search"), {"q": "bread"}), "No shopper, product or rule is called")
        overview = self.client.get(reverse("overview"))
        self.assertContains(overview, "No events yet")
        self.assertContains(overview, f'href="{reverse("data")}">Import a file or connect the shop')


class ProductsTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(make_person())
        self.products = make_products(60)
        (self.anna,) = make_shoppers(1)
        self.shop = read_shop()

    def rows(self, **params: str) -> list[str]:
        return [row.id for row in products_page.build(params, self.shop).table.rows]

    def test_best_sellers_of_the_newest_days_come_first(self) -> None:
        make_event(self.anna, self.products[7], price=2.0)
        make_event(self.anna, self.products[7], price=2.0, at=NEWEST - timedelta(days=3))
        make_event(self.anna, self.products[5], price=9.0)
        make_event(self.anna, self.products[9], at=NEWEST - timedelta(days=40))  # sold before, not lately
        self.assertEqual(self.rows()[:2], ["p7", "p5"])
        self.assertEqual(self.rows(sort="-revenue")[:2], ["p5", "p7"])
        self.assertEqual(self.rows(sort="-before")[0], "p9")

    def test_every_page_of_any_filter_has_each_product_once_in_order(self) -> None:
        for number in range(0, 60, 4):
            for _ in range(number % 7 + 1):
                make_event(self.anna, self.products[number], price=float(number))
        sales = products_page.newest_sales()
        for sort, descending in (
            ("lines", True),
            ("lines", False),
            ("revenue", True),
            ("name", True),
            ("price", False),
        ):
            for wanted in ({}, {"department": "Drinks > Tea"}, {"text": "number 1"}):
                chosen = queries.matching(queries.ProductFilter(**wanted))
                whole = queries.sold(chosen, sales, sort=sort, descending=descending)
                pages = [
                    row
                    for offset in range(0, chosen.count(), 7)
                    for row in queries.sold(chosen, sales, sort=sort, descending=descending, limit=7, offset=offset)
                ]
                self.assertEqual([row.product.pk for row in pages], [row.product.pk for row in whole])
                self.assertEqual({row.product.pk for row in pages}, {product.pk for product in chosen})
                if sort == "lines":
                    sold = [row.lines for row in pages if row.lines]
                    self.assertEqual(sold, sorted(sold, reverse=descending))
                    self.assertEqual([row.lines for row in pages][: len(sold)], sold)

    def test_pages_hold_fifty_and_keep_the_rest_of_the_address(self) -> None:
        self.assertEqual((len(self.rows()), len(self.rows(page="2"))), (50, 10))
        pager = products_page.build({"q": "number", "page": "2"}, self.shop).table.pager
        assert pager is not None
        self.assertEqual((pager.first, pager.last, pager.total), (51, 60, 60))
        self.assertIn("q=number", pager.previous_href)

    def test_search_filters_and_gaps(self) -> None:
        self.assertEqual(self.rows(q="№ p12"), ["p12"])
        self.assertEqual(len(self.rows(department="Drinks > Tea")), 30)
        self.assertEqual(self.rows(q="nothing of the kind"), [])
        self.products[3].price = None
        self.products[3].save()
        self.assertEqual(self.rows(missing="price"), ["p3"])
        self.products[4].hidden = True
        self.products[4].save()
        self.assertEqual(self.rows(state="hidden"), ["p4"])

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_list(self) -> None:
        def count(params: dict[str, str]) -> int:
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("products"), params)
            return len(seen)

        self.client.get(reverse("products"))  # the shell keeps its figures for a while
        self.assertEqual(count({}), count({"q": "p12"}))
        self.assertLessEqual(count({}), 12)

    def test_as_one_types_only_the_list_is_answered(self) -> None:
        answer = self.client.get(reverse("products"), {"q": "p12"}, headers={"HX-Request": "true"})
        self.assertTemplateUsed(answer, "dashboard/_products.html")
        self.assertNotContains(answer, "<html")
        self.assertContains(answer, "№ p12")

    def test_csv_holds_all_that_the_filter_lets_through(self) -> None:
        answer = self.client.get(reverse("products"), {"format": "csv", "department": "Drinks > Tea"})
        lines = text_of(answer).splitlines()
        self.assertEqual(lines[0], ",".join(products_page.CSV_HEADER))
        self.assertEqual(len(lines), 31)


class ShoppersTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(make_person())
        self.shoppers = make_shoppers(60)
        make_profile(self.shoppers[8], spend=90.0, segment="loyal")
        make_profile(self.shoppers[2], spend=20.0)

    def rows(self, **params: str) -> list[str]:
        return [row.id for row in shoppers_page.build(params, read_shop()).table.rows]

    def test_those_who_spent_most_come_first_and_those_without_profile_last(self) -> None:
        self.assertEqual(self.rows()[:2], ["shopper-s8", "shopper-s2"])
        self.assertEqual((len(self.rows()), len(self.rows(page="2"))), (50, 10))

    def test_search_and_segment(self) -> None:
        self.assertEqual(self.rows(q="s59"), ["shopper-s59"])
        self.assertEqual(self.rows(segment="loyal"), ["shopper-s8"])
        self.assertEqual(self.rows(kind="visitor"), [])

    def test_a_visitor_who_logged_in_stands_under_the_shopper(self) -> None:
        Shopper.objects.create(kind="visitor", external_id="v1", merged_into=self.shoppers[0])
        self.assertEqual(self.rows(q="v1"), [])

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_list(self) -> None:
        self.client.get(reverse("shoppers"))
        counts = []
        for params in ({}, {"q": "s59"}):
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("shoppers"), params)
            counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 11)

    def test_csv(self) -> None:
        lines = text_of(self.client.get(reverse("shoppers"), {"format": "csv", "q": "s8"})).splitlines()
        self.assertEqual(lines[0], ",".join(shoppers_page.CSV_HEADER))
        self.assertTrue(lines[1].startswith("s8,shopper,loyal,4,2,3,90.0"))


class SearchTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(make_person())
        self.products = make_products(12)
        self.shoppers = make_shoppers(12)

    def test_more_than_the_page_holds_is_one_click_away(self) -> None:
        make_products(search_page.MOST + 1, prefix="z")
        answer = self.client.get(reverse("search"), {"q": "z"})
        self.assertContains(answer, 'href="/products/?q=z"')
        self.assertNotContains(self.client.get(reverse("search"), {"q": "z1"}), "like this")

    def test_what_is_not_found_says_where_to_look(self) -> None:
        answer = self.client.get(reverse("search"), {"q": "brad"})
        self.assertContains(answer, "No shopper, product or rule is called “brad”")
        for url in ("/shoppers/", "/products/", "/rules/"):
            self.assertContains(answer, f'<a class="button button-small" href="{url}"')
        self.assertNotContains(answer, "0 of 0")

    def test_it_finds_shoppers_and_products_with_the_typed_part_marked(self) -> None:
        make_history(self.shoppers, self.products, weeks=2)
        found = search_page.find("tea number 1", read_shop())
        self.assertEqual([group.heading for group in found.groups], ["Products"])
        self.assertEqual(found.groups[0].options[0].name[0], ("Tea number 1", True))

    def test_the_number_itself_comes_first(self) -> None:
        found = search_page.find("s1", read_shop(), kinds=("shoppers",))
        self.assertEqual([option.value for option in found.groups[0].options], ["s1", "s10", "s11"])
        self.assertEqual(found.summary, "3 of 3")

    def test_one_hit_opens_at_once(self) -> None:
        answer = self.client.get(reverse("search"), {"q": "p11"})
        self.assertRedirects(answer, reverse("product", args=["p11"]))

    def test_as_one_types_only_the_options_are_answered(self) -> None:
        answer = self.client.get(reverse("search"), {"q": "p1", "id": "box"}, headers={"HX-Request": "true"})
        self.assertContains(answer, 'id="box-1-1"')
        self.assertNotContains(answer, "<html")

    def test_without_text_nothing_is_asked(self) -> None:
        shop = read_shop()
        with self.assertNumQueries(0):
            self.assertFalse(search_page.find(" ", shop).found)
