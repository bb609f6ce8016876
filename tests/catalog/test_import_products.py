from __future__ import annotations

import csv
import tempfile
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pandas as pd
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings

from catalog.import_run import ImportRefusedError
from catalog.imports import import_products
from catalog.models import Category, Import, Product
from catalog.tabular import TableError

SHELF = """product_id,title,category,brand,price,currency,stock,tags,colour,weight
1,Whole milk,Dairy >Milk,Farm,1.50,usd,,fresh|cold|fresh,white,1.0
2,"Tea, green",Drinks > Tea,Leaf,3,USD,5.0,,green,0.25
3,,,,,,,,,
"""


class ImportProductsTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, text: str, name: str = "products.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def test_stores_every_column_and_the_rest_as_attributes(self) -> None:
        outcome = import_products(self.write(SHELF))
        self.assertEqual((outcome.stored, outcome.changed, outcome.duplicate), (3, 0, 0))
        milk = Product.objects.get(external_id="1")
        self.assertEqual((milk.title, str(milk.category), milk.price), ("Whole milk", "Dairy > Milk", Decimal("1.5")))
        self.assertEqual((milk.currency, milk.stock, milk.tags), ("USD", None, ["fresh", "cold"]))
        self.assertEqual(milk.attributes, {"colour": "white", "weight": 1})
        self.assertEqual(Product.objects.get(external_id="2").stock, 5)
        self.assertEqual(Category.objects.get(path="Dairy > Milk").parent, Category.objects.get(path="Dairy"))

    def test_again_changes_nothing(self) -> None:
        import_products(self.write(SHELF))
        before = list(Product.objects.values())
        outcome = import_products(self.write(SHELF))
        self.assertEqual((outcome.stored, outcome.changed, outcome.duplicate), (0, 0, 3))
        self.assertEqual(list(Product.objects.values()), before)

    def test_a_column_that_is_there_overwrites_and_clears_one_that_is_not_stays(self) -> None:
        import_products(self.write(SHELF))
        outcome = import_products(self.write("brand,product_id,colour\nHill,1,\nLeaf,2,green\n"))
        self.assertEqual((outcome.changed, outcome.duplicate), (1, 1))
        milk = Product.objects.get(external_id="1")
        self.assertEqual((milk.brand, milk.title, milk.attributes), ("Hill", "Whole milk", {"weight": 1}))

    def test_of_two_lines_with_one_id_the_last_counts(self) -> None:
        outcome = import_products(self.write("product_id,title\n1,old\n1,new\n"))
        self.assertEqual((outcome.stored, outcome.health.findings["repeated_ids"]), (1, 1))
        self.assertEqual(Product.objects.get().title, "new")

    def test_a_stub_becomes_a_known_product(self) -> None:
        Product.objects.create(external_id="1", is_stub=True)
        self.assertEqual(import_products(self.write("product_id\n1\n")).changed, 1)
        self.assertFalse(Product.objects.get().is_stub)

    def test_parquet_and_csv_are_the_same(self) -> None:
        frame = pd.DataFrame(
            {"product_id": [1, 2], "price": [1.5, None], "tags": [["a", "b"], None], "size": [2.0, 3.5]}
        )
        path = self.folder / "products.parquet"
        frame.to_parquet(path)
        import_products(path)
        row = Product.objects.get(external_id="1")
        self.assertEqual((row.price, row.tags, row.attributes), (Decimal("1.5"), ["a", "b"], {"size": 2}))

    def test_one_bad_line_and_nothing_is_stored(self) -> None:
        path = self.write("product_id,price,currency,stock\n1,2,USD,1\n2,-1,USD,\n=3,5,dollars,\n,1,,\n5,,,x\n")
        with self.assertRaisesMessage(ImportRefusedError, "4 of 5 lines"):
            import_products(path)
        self.assertEqual(Product.objects.count(), 0)
        row = Import.objects.get()
        self.assertEqual((row.status, row.rejected, row.rows_read), ("refused", 4, 5))
        rejects = list(csv.DictReader(StringIO(Path(row.rejects_file).read_text())))
        self.assertEqual([reject["line"] for reject in rejects], ["3", "4", "5", "6"])
        self.assertEqual(
            [reject["code"] for reject in rejects], ["out_of_range", "bad_currency", "missing", "not_a_number"]
        )
        self.assertTrue(rejects[1]["original"].startswith("'=3,5"))

    def test_allowed_rejects_are_left_out(self) -> None:
        path = self.write("product_id,price\n1,2\n2,two\n")
        outcome = import_products(path, allow_rejects=True)
        self.assertEqual((outcome.stored, outcome.rejected), (1, 1))
        self.assertTrue(path.with_name("products.csv.rejects.csv").exists())
        import_products(self.write("product_id,price\n1,2\n2,3\n"))
        self.assertFalse(path.with_name("products.csv.rejects.csv").exists())

    def test_a_folder_that_cannot_be_written_has_its_rejects_in_the_data_folder(self) -> None:
        from catalog.rejects import LineReject, RejectFile

        rejects = RejectFile(Path("/proc/products.csv"), self.folder)
        rejects.add([LineReject(2, "missing", "product_id", "expected an id")])
        rejects.close()
        self.assertEqual(rejects.path, self.folder / "rejects" / "products.csv.rejects.csv")

    def test_a_file_that_is_no_table_fails_with_its_reason(self) -> None:
        with self.assertRaises(TableError):
            import_products(self.write("sku\n1\n"))
        row = Import.objects.get()
        self.assertEqual(row.status, "failed")
        self.assertIn("expected a column 'product_id'", row.error)

    def test_a_file_of_another_kind_is_named(self) -> None:
        with self.assertRaisesRegex(TableError, "found 'shopper_id', 'age' – it looks like a file of shoppers"):
            import_products(self.write("shopper_id,age\n1,30\n"))

    def test_a_damaged_parquet_file_fails_with_its_reason(self) -> None:
        path = self.folder / "products.parquet"
        pd.DataFrame({"product_id": ["1", "2"]}).to_parquet(path)
        path.write_bytes(path.read_bytes()[:-20])
        with self.assertRaisesRegex(TableError, "expected a Parquet file; products.parquet cannot be read"):
            import_products(path)
        self.assertEqual(Import.objects.get().status, "failed")

    def test_health_counts_what_is_missing_and_odd(self) -> None:
        health = import_products(self.write("product_id,title,image_url\n1,,/x.png\n2,b,https://x.org/y.png\n")).health
        self.assertEqual(health.missing, {"product_id": 0, "title": 1, "image_url": 0})
        self.assertEqual((health.findings["unusable_image_urls"], health.findings["without_price"]), (1, 2))
        self.assertEqual(Import.objects.get().health, health.to_dict())

    def test_health_counts_no_line_that_was_refused(self) -> None:
        path = self.write("product_id,title,price,image_url\n1,a,2,\n2,,two,/x.png\n,,,\n")
        health = import_products(path, allow_rejects=True).health
        self.assertEqual((health.rows, sum(health.missing.values())), (1, 1))
        self.assertEqual(health.findings, {"without_category": 1})

    def test_long_text_is_shortened_and_counted_a_long_id_refused(self) -> None:
        outcome = import_products(self.write(f"product_id,title\n1,{'x' * 600}\n"))
        self.assertEqual((outcome.health.shortened, len(Product.objects.get().title)), ({"title": 1}, 500))
        with self.assertRaises(ImportRefusedError):
            import_products(self.write(f"product_id\n{'y' * 129}\n"))

    def test_the_command_prints_the_counts_and_ends_with_one_on_refusal(self) -> None:
        out = StringIO()
        call_command("import_products", str(self.write(SHELF)), stdout=out)
        self.assertIn("3 stored, 0 changed, 0 duplicate, 0 rejected of 3 rows", out.getvalue())
        with self.assertRaises(CommandError) as caught:
            call_command("import_products", str(self.write("product_id,price\n1,x\n")), stdout=out)
        self.assertEqual(caught.exception.returncode, 1)

    @override_settings()
    def test_hidden_changes_only_where_the_file_says_so(self) -> None:
        import_products(self.write("product_id,title,hidden\n1,Bread,\n2,Milk,true\n3,Tea,\n"))
        Product.objects.filter(external_id="1").update(hidden=True)  # by a merchandiser
        import_products(self.write("product_id,title,hidden\n1,Rye bread,\n2,Milk,\n3,Tea,true\n"))
        import_products(self.write("product_id,title\n1,Rye bread\n"))
        hidden = dict(Product.objects.values_list("external_id", "hidden"))
        self.assertEqual(hidden, {"1": True, "2": True, "3": True})
        import_products(self.write("product_id,hidden\n1,false\n"))
        self.assertFalse(Product.objects.get(external_id="1").hidden)

    def test_hidden_departments_are_hidden_and_counted(self) -> None:
        outcome = import_products(self.write("product_id,hidden\n1,true\n2,\n"))
        self.assertEqual(outcome.health.findings["hidden_products"], 1)
        self.assertFalse(Product.objects.get(external_id="1").sellable)
