from __future__ import annotations

from decimal import Decimal

from django.test import TestCase

from catalog import services
from catalog.models import Category, Product
from catalog.records import read_product

MILK = {
    "product_id": "milk", "title": "Whole milk", "category": "Dairy >Milk", "brand": "Farm", "price": 1.5,
    "currency": "usd", "stock": 4, "tags": ["fresh", "fresh", "cold"], "rating": 4.5, "colour": "white", "litres": 1,
}  # fmt: skip


class UpsertTests(TestCase):
    def test_creates_changes_and_leaves(self) -> None:
        first = services.upsert_products(products=[read_product(MILK)])
        self.assertEqual(first, services.Upserted(1, 0, 0))
        milk = Product.objects.get()
        self.assertEqual((milk.price, milk.currency, milk.stock), (Decimal("1.5"), "USD", 4))
        self.assertEqual((milk.tags, milk.attributes), (["fresh", "cold"], {"colour": "white", "litres": 1}))
        self.assertEqual(str(milk.category), "Dairy > Milk")
        self.assertEqual(services.upsert_products(products=[read_product(MILK)]), services.Upserted(0, 0, 1))
        change = {"product_id": "milk", "price": None, "colour": None, "category": None}
        self.assertEqual(services.upsert_products(products=[read_product(change)]), services.Upserted(0, 1, 0))
        milk.refresh_from_db()
        self.assertEqual((milk.price, milk.category, milk.attributes, milk.brand), (None, None, {"litres": 1}, "Farm"))

    def test_of_two_with_one_id_the_later_counts(self) -> None:
        pair = [read_product(MILK), read_product(MILK | {"title": "Milk"})]
        services.upsert_products(products=pair)
        self.assertEqual(Product.objects.get().title, "Milk")

    def test_the_number_of_queries_does_not_grow(self) -> None:
        many = [read_product(MILK | {"product_id": f"milk {n}"}) for n in range(50)]
        services.upsert_products(products=many[:25])
        changed = [read_product(MILK | {"product_id": f"milk {n}", "price": n}) for n in range(50)]
        with self.assertNumQueries(6):  # savepoint, categories, rows, the new in one, the changed in one, release
            services.upsert_products(products=changed)

    def test_sending_a_retired_product_sells_it_again_patching_does_not(self) -> None:
        services.upsert_products(products=[read_product(MILK)])
        services.retire_product(external_id="milk")
        services.patch_product(external_id="milk", values={"price": 2})
        self.assertFalse(Product.objects.get().sellable)
        services.upsert_products(products=[read_product(MILK)])
        self.assertTrue(Product.objects.get().sellable)


class PatchRetireHideTests(TestCase):
    def setUp(self) -> None:
        services.upsert_products(products=[read_product(MILK)])

    def test_patch_changes_what_is_named(self) -> None:
        milk = services.patch_product(external_id="milk", values={"stock": 0, "category": "Drinks"})
        self.assertEqual((milk.stock, milk.title, str(milk.category)), (0, "Whole milk", "Drinks"))
        self.assertFalse(milk.sellable)

    def test_patch_of_nothing_known_says_so(self) -> None:
        with self.assertRaises(Product.DoesNotExist):
            services.patch_product(external_id="tea", values={"stock": 0})

    def test_retire_once_and_unknown(self) -> None:
        self.assertTrue(services.retire_product(external_id="milk"))
        retired = Product.objects.get().retired_at
        self.assertTrue(services.retire_product(external_id="milk"))
        self.assertEqual(Product.objects.get().retired_at, retired)
        self.assertFalse(services.retire_product(external_id="tea"))

    def test_hide_and_unhide_touch_only_what_changes(self) -> None:
        before = Product.objects.get().updated_at
        self.assertEqual((services.hide(external_ids=["milk"]), services.hide(external_ids=["milk"])), (1, 0))
        self.assertGreater(Product.objects.get().updated_at, before)
        self.assertEqual(services.unhide(external_ids=["milk", "tea"]), 1)

    def test_categories_have_their_ancestors(self) -> None:
        services.ensure_categories(["A > B > C", "A > D"])
        self.assertEqual(Category.objects.get(path="A > B > C").parent, Category.objects.get(path="A > B"))
        self.assertEqual(Category.objects.filter(path__startswith="A").count(), 4)
