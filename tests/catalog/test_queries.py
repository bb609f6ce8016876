from __future__ import annotations

from django.test import TestCase
from django.utils import timezone

from catalog import queries
from catalog.models import Import, Product


class QueriesTests(TestCase):
    def setUp(self) -> None:
        Product.objects.create(external_id="1", title="Whole milk", price=1, stock=3, attributes={"size": "1 l"})
        Product.objects.create(external_id="2", title="Goat milk", hidden=True)
        Product.objects.create(external_id="21", title="Tea", stock=0, attributes={"size": "50 g", "origin": "Assam"})
        Product.objects.create(external_id="3", is_stub=True)
        Product.objects.create(external_id="4", title="Old milk", retired_at=timezone.now())

    def test_totals_in_one_query(self) -> None:
        with self.assertNumQueries(1):
            totals = queries.totals()
        self.assertEqual(totals, queries.Totals(4, 2, 1, 1, 1, 1))

    def test_missing_values_of_columns_and_attributes(self) -> None:
        with self.assertNumQueries(2):
            rows = {row.name: row for row in queries.missing_values()}
        self.assertEqual((rows["title"].missing, rows["price"].missing, rows["size"].missing), (1, 3, 2))
        self.assertEqual((rows["origin"].share, rows["origin"].is_attribute), (0.75, True))

    def test_an_empty_catalogue_misses_nothing(self) -> None:
        Product.objects.all().delete()
        self.assertEqual({row.share for row in queries.missing_values()}, {0.0})

    def test_search_finds_title_and_id_and_not_what_is_retired(self) -> None:
        with self.assertNumQueries(1):
            found = queries.search("milk")
        self.assertEqual([product.title for product in found], ["Goat milk", "Whole milk"])
        self.assertEqual([product.external_id for product in queries.search("2")], ["2", "21"])
        self.assertEqual(queries.search("  "), [])

    def test_the_latest_stored_import_of_each_kind(self) -> None:
        for kind, status in (("events", "stored"), ("events", "stored"), ("events", "refused"), ("products", "stored")):
            Import.objects.create(kind=kind, status=status, file_name=f"{kind}.csv")
        latest = queries.latest_imports()
        self.assertEqual(set(latest), {"events", "products"})
        self.assertEqual(latest["events"].pk, sorted(Import.objects.values_list("pk", flat=True))[1])
        self.assertEqual(queries.imports(kind="events").count(), 3)
