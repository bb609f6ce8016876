"""The catalogue and shoppers over the API."""

from __future__ import annotations

from django.http import HttpResponse
from django.test import TestCase

from behavior.models import Event, Shopper
from catalog.models import Product
from recsite.testing import flush_redis
from tests.api.doors import Caller, code, event, read, start_afresh


class CatalogueCase(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()
        self.shop = Caller()

    def put(self, path: str, **values: object) -> HttpResponse:
        return self.shop.call("PUT", path, values)


class ProductTests(CatalogueCase):
    def test_put_creates_then_replaces(self) -> None:
        first = self.put("products/p1", title="Milk", category="Dairy > Milk", price=1.5, stock=0, colour="white")
        self.assertEqual((first.status_code, read(first)["available"]), (201, False))
        second = self.put("products/p1", title="Milk", price=1.6)
        self.assertEqual(second.status_code, 200)
        row = Product.objects.get()
        self.assertEqual((row.stock, row.category, row.attributes), (None, None, {}))
        self.assertTrue(read(second)["available"])

    def test_a_put_does_not_show_what_was_hidden(self) -> None:
        self.put("products/p1", title="Milk", hidden=True)
        self.put("products/p1", title="Milk")
        self.assertTrue(Product.objects.get().hidden)

    def test_what_was_read_can_be_sent_again(self) -> None:
        self.put("products/p1", title="Milk", category="Dairy", price=1.5, tags=["fresh"], colour="white", stock=3)
        seen = read(self.shop.get("products/p1"))
        again = read(self.put("products/p1", **{k: v for k, v in seen.items() if k != "product_id"}))
        self.assertEqual({**again, "updated_at": 0}, {**seen, "updated_at": 0})

    def test_patch_and_delete(self) -> None:
        self.put("products/p1", title="Milk", price=1.5)
        self.assertEqual(read(self.shop.call("PATCH", "products/p1", {"stock": 0}))["title"], "Milk")
        self.assertEqual(self.shop.call("DELETE", "products/p1").status_code, 204)
        self.assertIsNotNone(Product.objects.get().retired_at)

    def test_ids_with_slashes(self) -> None:
        self.put("products/a/b%20c", title="Odd")
        self.assertEqual(Product.objects.get().external_id, "a/b c")

    def test_many_at_once(self) -> None:
        rows = [{"product_id": "p1", "title": "Milk"}, {"product_id": "p2", "price": -1}, {"title": "Nobody"}, 7]
        answer = read(self.shop.post("products", {"products": rows}))
        self.assertEqual((answer["created"], [r["index"] for r in answer["rejected"]]), (1, [1, 2, 3]))
        self.assertEqual(answer["rejected"][0]["field"], "price")
        again = read(self.shop.post("products", {"products": rows[:1]}))
        self.assertEqual((again["created"], again["unchanged"]), (0, 1))

    def test_refusals(self) -> None:
        self.assertEqual(code(self.shop.get("products/none")), (404, "not_found"))
        self.assertEqual(code(self.shop.get("products/%00")), (404, "not_found"))
        self.assertEqual(code(self.shop.call("PATCH", "products/none", {"stock": 1})), (404, "not_found"))
        self.assertEqual(code(self.shop.call("DELETE", "products/none")), (404, "not_found"))
        self.assertEqual(code(self.put("products/" + "x" * 129))[0], 400)
        for values in ({"price": "a lot"}, {"stock": 1.5e300}, {"tags": 1}, {"image_url": "javascript:1"}, {"a": [1]}):
            with self.subTest(values):
                self.assertEqual(self.put("products/p1", **values).status_code, 400)


class ShopperTests(CatalogueCase):
    def test_put_and_get(self) -> None:
        self.put("shoppers/anna", age=41, gender="f", income="50-74K", town="Ulm")
        seen = read(self.shop.get("shoppers/anna"))
        self.assertEqual((seen["age"], seen["attributes"], seen["known"]), ("41", {"town": "Ulm"}, True))

    def test_put_replaces_but_keeps_consent(self) -> None:
        self.put("shoppers/anna", age="35-44", consent=False, town="Ulm")
        seen = read(self.put("shoppers/anna", gender="f"))
        self.assertEqual((seen["age"], seen["consent"], seen["attributes"]), (None, False, {}))

    def test_a_visitor_logs_in(self) -> None:
        self.shop.post("events", {"events": [event(shopper=None, visitor="v1")]})
        first = read(self.shop.post("shoppers/anna/merge", {"visitor": "v1"}))
        self.assertEqual(first["events"], 1)
        self.assertEqual(Event.objects.get().shopper_id, Shopper.objects.get(kind="shopper").pk)
        self.assertEqual(read(self.shop.post("shoppers/anna/merge", {"visitor": "v1"}))["events"], 0)

    def test_refusals(self) -> None:
        self.assertEqual(code(self.shop.get("shoppers/nobody")), (404, "not_found"))
        shoppers: list[dict[str, object]] = [
            {"age": [1]}, {"consent": "yes"}, {"town": {}}, {"attributes": 1}, {"age": "x" * 33}, {"": 1}
        ]  # fmt: skip
        for values in shoppers:
            with self.subTest(values):
                self.assertEqual(self.put("shoppers/anna", **values).status_code, 400)
        merges: list[dict[str, object]] = [{}, {"visitor": 1}, {"visitor": ""}, {"visitor": "v", "more": 1}]
        for values in merges:
            with self.subTest(values):
                self.assertEqual(self.shop.post("shoppers/anna/merge", values).status_code, 400)

    def test_a_page_may_not(self) -> None:
        page = Caller("publishable")
        self.assertEqual(page.post("shoppers/anna/merge", {"visitor": "v1"}).status_code, 403)
        self.assertEqual(page.get("shoppers/anna").status_code, 403)
