from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pandas as pd
from django.core.management import call_command
from django.test import TestCase, override_settings

from behavior import completejourney, queries
from behavior.models import Event, Shopper
from catalog.models import Import, Product

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


class PrepareTests(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_weeks_that_are_held_back_end_within_the_last_seven_days(self) -> None:
        for day in range(7):
            with tempfile.TemporaryDirectory() as folder:
                now = NOW + timedelta(days=day)
                end = completejourney.END + timedelta(weeks=completejourney.shift_weeks(Path(folder), now))
                self.assertTrue(now - timedelta(days=7) < end <= now)
                self.assertEqual(end.weekday(), completejourney.END.weekday())

    def test_the_shift_is_chosen_once(self) -> None:
        weeks = completejourney.shift_weeks(self.folder, NOW)
        self.assertEqual(completejourney.shift_weeks(self.folder, NOW + timedelta(weeks=9)), weeks)

    def test_the_log_ends_where_the_held_back_weeks_begin(self) -> None:
        prepared = completejourney.prepare(self.folder, now=NOW, limit_shoppers=5)
        events = pd.read_csv(prepared.events, parse_dates=["at"])
        held_back = pd.read_parquet(prepared.held_back)
        self.assertLess(events["at"].max(), held_back["at"].min())
        self.assertEqual((len(events), len(held_back)), (prepared.events_count, prepared.held_back_count))
        self.assertEqual(prepared.odd.lines, len(events) + len(held_back))
        self.assertLess(held_back["at"].max() - held_back["at"].min(), pd.Timedelta(days=29))
        summary = json.loads((self.folder / "summary.json").read_text())
        self.assertEqual(summary["odd"]["shoppers"], 5)

    def test_the_log_may_end_earlier(self) -> None:
        prepared = completejourney.prepare(self.folder, now=NOW, until=datetime(2017, 2, 1), limit_shoppers=5)
        newest = pd.read_csv(prepared.events, parse_dates=["at"])["at"].max()
        self.assertLess(newest - pd.Timedelta(weeks=prepared.weeks), pd.Timestamp("2017-02-01", tz="UTC"))

    def test_prices_are_of_one_piece_and_unknown_without_pieces(self) -> None:
        at = pd.Timestamp("2017-05-01")
        lines = pd.DataFrame(
            {
                "household_id": [1, 1, 1], "basket_id": [7, 7, 7], "product_id": [5, 5, 6], "quantity": [2, 0, 4],
                "sales_value": [3.0, 1.0, 2.0], "retail_disc": [1.0, 0.0, 0.0], "coupon_match_disc": [0.0, 0.0, 0.0],
                "transaction_timestamp": [at] * 3,
            }
        )  # fmt: skip
        rows = completejourney.event_rows(lines, weeks=2)
        self.assertEqual(rows["price"].tolist()[::2], [1.5, 0.5])
        self.assertTrue(pd.isna(rows["price"][1]))
        self.assertEqual(rows["at"][0], pd.Timestamp("2017-05-15", tz="UTC"))
        self.assertEqual(completejourney.shelf_prices(lines).to_dict(), {5: 2.0, 6: 0.5})

    def test_departments_that_are_no_goods_are_hidden_and_names_are_plain(self) -> None:
        products = pd.DataFrame(
            {
                "product_id": [1, 2, 3], "manufacturer_id": [69, 69, 2],
                "department": ["FUEL", "GROCERY", "MISCELLANEOUS"], "brand": ["Private", "National", "National"],
                "product_category": ["COUPON/MISC ITEMS", "FLUID MILK PRODUCTS", None],
                "product_type": ["GASOLINE-REG UNLEADED", "FLUID MILK WHITE ONLY", None],
                "package_size": [None, "1 GA", None],
            }
        )  # fmt: skip
        rows = completejourney.product_rows(products, pd.Series({2: 2.5}))
        self.assertEqual(rows["hidden"].fillna("").tolist(), ["true", "", "true"])
        self.assertEqual(rows["title"].tolist(), ["Unleaded gasoline", "White milk · 1 gal", ""])
        self.assertEqual(rows["category"].tolist()[1:], ["Grocery > Milk > White milk", "Miscellaneous"])
        self.assertEqual((rows["brand"][1], rows["price"][1]), ("Brand 69", 2.5))


class CommandTests(TestCase):
    def test_imports_the_shop_and_again_changes_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as folder, override_settings(DATA_DIR=Path(folder)):
            out = StringIO()
            call_command("import_completejourney", limit_shoppers=3, stdout=out)
            before = (Event.objects.count(), Product.objects.count(), Shopper.objects.count())
            call_command("import_completejourney", limit_shoppers=3, stdout=out)
        self.assertEqual((Event.objects.count(), Product.objects.count(), Shopper.objects.count()), before)
        self.assertEqual(before[2], 3)
        self.assertEqual(set(Import.objects.values_list("status", flat=True)), {"stored"})
        self.assertEqual(list(Import.objects.values_list("stored", flat=True)[:3]), [0, 0, 0])
        self.assertIn("public teaching data", out.getvalue())
        newest = queries.newest_event_at()
        assert newest is not None
        self.assertLess(newest, datetime.now(UTC) - timedelta(days=28))
