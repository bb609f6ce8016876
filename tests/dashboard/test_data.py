"""The data page: readiness, missing values, imports, event types."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.cache import cache
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from behavior.imports import Events, Shoppers
from behavior.models import EventType, RejectedEvent
from catalog.import_run import ImportRefusedError
from catalog.imports import Products, import_products
from catalog.models import Import, Product
from recommender.models import Generation, Placement, Switch, TrainingRun
from recsite.dashboard import filling, roles
from recsite.dashboard.pages import data as page
from recsite.dashboard.pages import data_imports, data_missing
from recsite.dashboard.placement_words import STRATEGIES
from recsite.dashboard.queries import data as queries
from recsite.dashboard.shop import read_shop
from recsite.dashboard.tables import Table
from recsite.testing import flush_redis
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import text_of
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers


class DataCase(TestCase):
    """A data folder of its own, nothing kept, an empty Redis."""

    def setUp(self) -> None:
        cache.clear()
        flush_redis()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        settings = override_settings(DATA_DIR=self.folder)
        settings.enable()
        self.addCleanup(settings.disable)

    def import_file(self, text: str, *, name: str = "shelf.csv", allow_rejects: bool = False) -> Import:
        path = self.folder / name
        path.write_text(text)
        try:
            return Import.objects.get(pk=import_products(path, allow_rejects=allow_rejects).import_id)
        except ImportRefusedError as refused:
            return Import.objects.get(pk=refused.outcome.import_id)


def cells(table: Table | None) -> list[list[str]]:
    assert table is not None
    return [[str(cell.content) for cell in row.cells] for row in table.rows]


class QueriesTest(DataCase):
    def test_gaps_name_the_department_that_lacks_most(self) -> None:
        make_products(60)
        Product.objects.filter(category__path="Drinks > Tea").update(price=None)
        Product.objects.filter(external_id="p3").update(attributes={"origin": "Ceylon"}, brand="")
        found = {gap.name: gap for gap in queries.gaps()}
        self.assertEqual((found["price"].missing, found["price"].total), (30, 60))
        self.assertEqual((found["price"].worst, found["price"].worst_share), ("Drinks", 0.5))
        self.assertEqual(found["origin"].missing, 59)
        self.assertEqual(found["brand"].missing, 1)
        self.assertEqual([gap.name for gap in queries.gaps()][-1], "title")

    def test_types_count_simulated_events_apart(self) -> None:
        (tea,), (anna,) = make_products(1), make_shoppers(1)
        make_event(anna, tea)
        make_event(anna, tea, type="click", source="simulator")
        make_event(anna, tea, type="click", at=NEWEST - timedelta(days=40))
        found = {row.name: (row.events, row.simulated) for row in queries.event_types()}
        self.assertEqual(found["purchase"], (1, 0))
        self.assertEqual(found["click"], (0, 1))
        self.assertEqual(set(found), set(EventType.objects.values_list("name", flat=True)))

    def test_lines_per_day_end_with_the_newest(self) -> None:
        (tea,), (anna,) = make_products(1), make_shoppers(1)
        for days in (0, 0, 3, 30):
            make_event(anna, tea, at=NEWEST - timedelta(days=days))
        first, lines = queries.lines_per_day(read_shop())
        self.assertEqual((first, len(lines)), (NEWEST.date() - timedelta(days=27), 28))
        self.assertEqual((lines[-1], lines[-4], sum(lines)), (2, 1, 3))

    def test_dead_letters_by_reason_with_the_newest_of_each(self) -> None:
        for number in range(3):
            make_letter(code="unknown_type", field="type", message=f"number {number}")
        make_letter(code="bad_time", field="at")
        make_letter(code="bad_time", field="at", replayed_at=timezone.now())
        found = [(one.code, one.count, one.message) for one in queries.dead_letters()]
        self.assertEqual(found, [("unknown_type", 3, "number 2"), ("bad_time", 1, "…")])


def make_letter(**fields: object) -> RejectedEvent:
    return RejectedEvent.objects.create(**{"payload": {"type": "sniff"}, "message": "…", "code": "missing", **fields})


class PageTest(DataCase):
    def build(self, *, permissions: frozenset[str] = frozenset(), **params: str) -> page.DataPage:
        return page.build(params, read_shop(), permissions=permissions)

    def test_an_empty_shop_says_what_to_do(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        text = text_of(self.client.get(reverse("data")))
        for words in ("lacks events", "No products yet", "Nothing was imported yet", "No event waits", "No event yet"):
            self.assertIn(words, text)

    def test_readiness_names_placements_and_causes(self) -> None:
        make_history(make_shoppers(4), make_products(8), weeks=5)
        text = str(cells(self.build().readiness))
        self.assertIn("Recently viewed lacks views: 0 in 28 days.", text)
        notes = [row.cells[0].note for row in self.build().readiness.rows]
        self.assertIn("in Home", notes)
        self.assertIn("in no placement", notes)

    def test_every_strategy_has_a_row(self) -> None:
        self.assertEqual(set(STRATEGIES), set(Placement.Strategy.values))
        self.assertEqual(len(self.build().readiness.rows), len(STRATEGIES))

    def test_missing_values_link_to_the_products_and_name_the_strategy(self) -> None:
        make_products(4)
        Product.objects.filter(external_id="p1").update(brand="")
        tried = [{"strategy": "indicator", "filled": 0}, {"strategy": "most_frequent", "filled": 1}]
        told = {"brand": {"applied": "most_frequent", "missing": 0.25, "strategies": tried}}
        # What was wished for is not what the page tells.
        wished = {"imputation": {"brand": "knn", "category": "knn"}}
        run = TrainingRun.objects.create(status="succeeded", config=wished, metrics={"imputation": told})
        Switch.objects.create(generation=Generation.objects.create(run=run, as_of=NEWEST), reason="published")
        missing = self.build().missing
        assert isinstance(missing, Table)
        rows = {str(row.cells[0].content): row for row in missing.rows}
        self.assertEqual(rows["Brand"].href, "/products/?missing=brand")
        brand = rows["Brand"].cells[3]
        self.assertEqual((brand.content, brand.note), ("The most frequent value", f"1 filled by model {run.pk}"))
        self.assertEqual(rows["Picture"].cells[3].content, "A drawn tile")
        self.assertEqual(rows["Category"].href, "")
        self.assertIn("“missing” is a value of its own", str(rows["Category"].cells[3].content))

    def test_each_strategy_of_the_engine_has_words(self) -> None:
        from recommender.engine import impute

        self.assertEqual(set(filling.IMPUTED), set(impute.STRATEGIES))

    def test_the_form_names_columns_that_the_imports_know(self) -> None:
        for kind in (Products(), Shoppers(), Events("import")):
            words = data_imports.KINDS[str(kind.name)]
            for column in kind.required:
                if column != "product_id" or kind.name != "events":
                    self.assertIn(column, words)

    @override_settings(KEEP_COUNTS=True)
    def test_counts_are_kept_until_an_import_ends_or_one_asks(self) -> None:
        make_products(2)
        page.check_again(read_shop())
        make_products(2, prefix="new")
        self.assertIn("2 products", self.build().missing_note)
        page.check_again(read_shop())
        self.assertIn("4 products", self.build().missing_note)
        self.import_file("product_id,title\nq1,Bread\n")
        self.assertIn("5 products", self.build().missing_note)

    def test_check_again_leads_back(self) -> None:
        self.client.force_login(make_person())
        self.assertRedirects(self.client.get(reverse("data"), {"check": "again"}), reverse("data"))

    def test_the_csv_of_missing_values(self) -> None:
        make_products(2)
        self.client.force_login(make_person())
        answer = self.client.get(reverse("data"), {"format": "csv"})
        lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        self.assertEqual(lines[0], ",".join(data_missing.CSV_HEADER))
        self.assertIn("product,image_url,2,2,1.0,A drawn tile,", "\n".join(lines))

    def test_queries_do_not_grow_with_rows(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        counts = []
        for n in (1, 9):
            for number in range(n):
                self.import_file("product_id\na\n", name=f"{n}-{number}.csv")
                make_letter(code=f"code {n} {number}")
            make_history(make_shoppers(n, prefix=f"s{n}-"), make_products(4, prefix=f"p{n}-"), weeks=2, seed=n)
            with stopped_clock():
                self.client.get(reverse("data"))
                with CaptureQueriesContext(connection) as caught:
                    self.client.get(reverse("data"))
            counts.append(len(caught))
        self.assertEqual(counts[0], counts[1])
