from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pandas as pd
from django.core.management import call_command
from django.db import connection, connections
from django.test import TestCase
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from behavior import partitions, services
from behavior.imports import import_events, import_shoppers
from behavior.models import Event, Shopper
from behavior.records import UNTIMED
from catalog.import_journal import Progress
from catalog.import_run import ImportRefusedError
from catalog.imports import import_products
from catalog.models import Import, Product
from catalog.tabular import TableError
from recsite.testing import CommittedCase

LOG = """shopper_id,product_id,type,at,quantity,price,session
anna,milk,purchase,2025-01-03T10:00:00Z,2,1.50,b1
anna,milk,purchase,2025-01-03T10:00:00Z,2.0,1.5,b1
ben,tea,view,1735725600,,,
ben,,,,0,,
"""


class Folder(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, text: str, name: str = "events.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


class ImportEventsTests(Folder):
    def test_a_file_of_another_kind_is_named(self) -> None:
        with self.assertRaisesRegex(TableError, "expected a column 'shopper_id' .* – it looks like a file of products"):
            import_events(self.write("product_id,title\n1,Milk\n"))

    def test_a_product_is_needed(self) -> None:
        with self.assertRaisesMessage(ImportRefusedError, "line 5, product_id"):
            import_events(self.write(LOG))

    def test_stores_events_with_stubs_and_equal_lines_apart(self) -> None:
        outcome = import_events(self.write(LOG), allow_rejects=True)
        self.assertEqual((outcome.stored, outcome.duplicate, outcome.rejected), (3, 0, 1))
        milk = Event.objects.filter(product__external_id="milk")
        self.assertEqual([(event.quantity, event.price, event.session) for event in milk], [(2.0, 1.5, "b1")] * 2)
        self.assertEqual(milk[0].at, datetime(2025, 1, 3, 10, tzinfo=UTC))
        self.assertTrue(Shopper.objects.get(external_id="ben").is_stub)
        self.assertEqual(outcome.health.findings["unknown_products"], 2)

    def test_again_stores_nothing_however_the_numbers_are_spelled(self) -> None:
        import_events(self.write(LOG), allow_rejects=True)
        again = LOG.replace("2.0,1.5,", "2,1.500000,").replace("1735725600", "2025-01-01 10:00:00")
        outcome = import_events(self.write(again), allow_rejects=True)
        self.assertEqual((outcome.stored, outcome.duplicate), (0, 3))
        more = import_events(self.write(again.replace("ben,,", "ben,milk,")))
        self.assertEqual((more.stored, more.duplicate), (1, 3))

    def test_two_columns_are_enough(self) -> None:
        import_events(self.write("product_id,shopper_id\nmilk,anna\nmilk,anna\ntea,anna\n"))
        self.assertEqual(Event.objects.filter(type="purchase", at=UNTIMED).count(), 3)

    def test_ids_of_the_shop_count_once_uuid_or_not_under_any_time(self) -> None:
        uuid = "E0A0A0A0-0000-4000-8000-000000000001"
        rows = ["17,a,p,2025-01-01", "17,a,p,2025-01-02", f"{uuid},a,p,2025-01-01"]
        first = "\n".join(["event_id,shopper_id,product_id,at", *rows])
        outcome = import_events(self.write(first))
        self.assertEqual((outcome.stored, outcome.duplicate), (2, 1))
        outcome = import_events(self.write("event_id,shopper_id,product_id,at\n17,a,p,2025-03-01\n18,a,p,2025-03-01\n"))
        self.assertEqual((outcome.stored, outcome.duplicate), (1, 1))

    def test_an_undeclared_type_is_told_which_are_declared(self) -> None:
        with self.assertRaisesMessage(ImportRefusedError, "expected one of impression, view"):
            import_events(self.write("shopper_id,product_id,type\na,b,wish\n"))
        self.assertEqual((Event.objects.count(), Product.objects.count()), (0, 0))

    def test_a_type_in_capitals_is_the_declared_one(self) -> None:
        import_events(self.write("shopper_id,product_id,type\na,b,Purchase\na,b, VIEW \n"))
        self.assertEqual(sorted(event.type for event in Event.objects.all()), ["purchase", "view"])

    def test_a_whole_number_with_a_point_is_the_id_that_the_shop_has(self) -> None:
        import_products(self.write("product_id\n17\n18\n18.0\n", "products.csv"))
        log = self.write("shopper_id,product_id\n5.0,17.0\n5,18.0\n6.0,19.0\n")
        outcome = import_events(log)
        found = {(event.shopper.external_id, event.product.external_id) for event in Event.objects.all()}  # type: ignore[union-attr]
        self.assertEqual(found, {("5", "17"), ("5", "18.0"), ("6.0", "19.0")})
        self.assertEqual(outcome.health.findings["point_zero_ids"], 2)
        self.assertEqual(import_events(log).duplicate, 3)

    def test_row_numbers_of_pandas_are_left_out_and_told(self) -> None:
        outcome = import_events(self.write(",shopper_id,product_id\n0,a,b\n1,a,c\n"))
        self.assertEqual((outcome.stored, outcome.health.findings["unnamed_columns"]), (2, 1))

    def test_a_rating_keeps_its_value_and_further_columns_are_named(self) -> None:
        outcome = import_events(self.write("shopper_id,product_id,type,value,mood\na,b,rate,4.5,glad\n"))
        self.assertEqual(Event.objects.get().value, 4.5)
        self.assertEqual(outcome.health.ignored_columns, ("mood",))

    def test_an_impression_of_a_list_has_no_product(self) -> None:
        import_events(self.write("shopper_id,product_id,type,recommendation_id\na,,impression,rec_1\n"))
        self.assertIsNone(Event.objects.get().product_id)

    def test_dirt_is_stored_and_counted(self) -> None:
        log = "shopper_id,product_id,quantity,price,at\na,b,0,,2025-01-01\na,b,89638,0,2025-01-01\na,b,-1,2,\n"
        findings = import_events(self.write(log)).health.findings
        expected = {"quantity_not_positive": 2, "quantity_absurd": 1, "price_zero": 1, "without_time": 1}
        self.assertEqual({code: findings[code] for code in expected}, expected)
        self.assertEqual(Event.objects.count(), 3)

    def test_parquet_with_numbers_for_ids(self) -> None:
        at = pd.to_datetime(["2025-01-01 10:00", "2025-02-01 10:00"])
        frame = pd.DataFrame({"shopper_id": [1, 2], "product_id": [10.0, 11.0], "at": at})
        path = self.folder / "events.parquet"
        frame.to_parquet(path)
        self.assertEqual(import_events(path).stored, 2)
        self.assertEqual(Event.objects.filter(shopper__external_id="1", product__external_id="10").count(), 1)
        self.assertEqual(import_events(path).duplicate, 2)

    def test_a_merged_visitor_and_known_products_join(self) -> None:
        import_products(self.write("product_id\nmilk\n", "products.csv"))
        services.set_shopper(external_id="anna")
        findings = import_events(self.write("shopper_id,product_id\nanna,milk\n")).health.findings
        self.assertNotIn("unknown_products", findings)

    def test_progress_is_told_by_step(self) -> None:
        seen: list[Progress] = []
        import_events(self.write("shopper_id,product_id\na,b\n"), report=seen.append)
        self.assertEqual(seen[0].step, "reading")
        self.assertEqual(seen[-1].step, "tidying")
        self.assertEqual(seen[-1].rows, 1)

    def test_the_command_names_the_source(self) -> None:
        out = StringIO()
        call_command("import_events", str(self.write("shopper_id,product_id\na,b\n")), source="backfill", stdout=out)
        self.assertEqual(Event.objects.get().source, "backfill")
        self.assertIn("1 stored", out.getvalue())


ROW = st.tuples(
    st.sampled_from(["anna", "ben", " c, d ", "7"]),
    st.sampled_from(["milk", "1.0", "001", 'a "b"']),
    st.sampled_from(["view", "purchase", ""]),
    st.sampled_from(["2025-01-03T10:00:00Z", "1735725600", "2025-01-03", ""]),
    st.sampled_from(["1", "1.0", "2.50", ""]),
)


class SameFileTwiceTests(HypothesisTestCase):
    @settings(max_examples=15, deadline=None)
    @given(st.lists(ROW, min_size=1, max_size=12))
    def test_whatever_is_in_a_file_every_line_is_stored_once(self, rows: list[tuple[str, ...]]) -> None:
        frame = pd.DataFrame(rows, columns=["shopper_id", "product_id", "type", "at", "price"])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.csv"
            frame.to_csv(path, index=False)
            self.assertEqual(import_events(path).stored, len(rows))
            frame.iloc[::-1, ::-1].to_csv(path, index=False)  # other order of lines and columns, same lines
            self.assertEqual(import_events(path).duplicate, len(rows))
        self.assertEqual(Event.objects.count(), len(rows))


class ImportShoppersTests(Folder):
    def test_stores_bands_consent_and_attributes_and_again_changes_nothing(self) -> None:
        text = "shopper_id,age,income,consent,kids\nanna,35-44,50-74K,yes,2\nben,41,,,\n"
        outcome = import_shoppers(self.write(text))
        self.assertEqual(outcome.stored, 2)
        anna = Shopper.objects.get(external_id="anna")
        self.assertEqual((anna.age, anna.income, anna.consent, anna.attributes), ("35-44", "50-74K", True, {"kids": 2}))
        outcome = import_shoppers(self.write(text))
        self.assertEqual((outcome.stored, outcome.changed, outcome.duplicate), (0, 0, 2))

    def test_a_visitor_of_the_same_name_is_left_alone(self) -> None:
        Shopper.objects.create(kind="visitor", external_id="anna")
        import_shoppers(self.write("shopper_id,age\nanna,30\n"))
        self.assertEqual(Shopper.objects.get(kind="visitor").age, "")
        self.assertEqual(Shopper.objects.count(), 2)

    def test_refuses_what_is_no_consent(self) -> None:
        with self.assertRaisesMessage(ImportRefusedError, "expected true or false; received 'perhaps'"):
            import_shoppers(self.write("shopper_id,consent\nanna,perhaps\n"))


class CommittedImportTests(CommittedCase):
    """Months and progress are written beside the import's own transaction, so these tests commit."""

    def setUp(self) -> None:
        super().setUp()
        self.clear()
        self.addCleanup(self.clear)

    def clear(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE behavior_event")
            for name in partitions.existing() - {"behavior_event_default"}:
                cursor.execute(f"DROP TABLE {name}")

    def test_a_month_is_made_once_and_takes_its_events(self) -> None:
        month = partitions.month_of(datetime(2024, 12, 5, tzinfo=UTC))
        self.assertEqual(partitions.ensure_months([month]), [month])
        self.assertEqual(partitions.ensure_months([month]), [])
        self.assertIn("behavior_event_y2024m12", partitions.existing())

    def test_a_month_with_rows_in_the_default_partition_stays_there(self) -> None:
        event = Event.objects.create(
            event_id="0" * 31 + "1", at=datetime(2024, 5, 5, tzinfo=UTC), type="view", shopper_id=1
        )
        self.assertEqual(partitions.ensure_months([partitions.month_of(event.at)]), [])
        self.assertEqual(Event.objects.count(), 1)

    def test_live_writers_have_this_month_and_the_next(self) -> None:
        partitions._made_for.clear()
        partitions.ensure_current()
        self.assertEqual(len(partitions.existing()), 3)

    def test_others_see_the_progress_before_anything_is_stored(self) -> None:
        seen: list[tuple[str, int, int, int]] = []

        def look() -> None:
            row = Import.objects.get()
            seen.append((row.status, row.rows_read, row.rows_total or 0, Event.objects.count()))
            connections.close_all()

        def report(now: Progress) -> None:
            if now.step == "storing" and not seen:
                beside = threading.Thread(target=look)
                beside.start()
                beside.join()

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.csv"
            path.write_text("shopper_id,product_id\na,b\na,c\n")
            import_events(path, report=report)
        self.assertEqual(seen, [("running", 2, 2, 0)])
        row = Import.objects.get()
        self.assertEqual((row.status, row.progress, row.step), ("stored", 1.0, ""))

    def test_what_was_killed_is_given_up_by_the_next(self) -> None:
        killed = Import.objects.create(kind="events", file_name="old.csv")
        Import.objects.filter(pk=killed.pk).update(updated_at=datetime(2025, 1, 1, tzinfo=UTC))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.csv"
            path.write_text("shopper_id,product_id\na,b\n")
            import_events(path)
        killed.refresh_from_db()
        self.assertEqual(killed.status, "failed")

    def test_an_import_makes_the_months_that_are_worth_it(self) -> None:
        lines = [f"s{n % 9},p{n},2024-02-{1 + n % 28:02d}" for n in range(partitions.WORTH_A_PARTITION)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.csv"
            path.write_text("\n".join(["shopper_id,product_id,at", *lines, "s1,p1,2023-07-01"]))
            import_events(path)
        self.assertEqual(partitions.existing(), {"behavior_event_default", "behavior_event_y2024m02"})
        row = Import.objects.get()
        self.assertEqual((row.status, row.rows_read), ("stored", len(lines) + 1))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM behavior_event_y2024m02")
            self.assertEqual(cursor.fetchone()[0], len(lines))
