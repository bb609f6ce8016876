from __future__ import annotations

import time
import uuid
from datetime import timedelta
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from behavior.imports import Events, Shoppers
from behavior.models import Event, EventType, RejectedEvent
from catalog.import_row import KILLED
from catalog.import_run import ImportRefusedError
from catalog.imports import Products, import_products
from catalog.models import Import, Product
from recommender.models import Generation, Placement, Switch, TrainingRun
from recsite import uploads
from recsite.api import sight
from recsite.api.sight import Arrival
from recsite.dashboard import filling, roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import data as page
from recsite.dashboard.pages import data_imports, data_missing
from recsite.dashboard.pages import import_ as import_page
from recsite.dashboard.placement_words import STRATEGIES
from recsite.dashboard.queries import data as queries
from recsite.dashboard.shop import read_shop
from recsite.dashboard.tables import Table
from recsite.testing import CommittedCase, flush_redis, start_worker
from tests.api.doors import Caller, event, start_afresh
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


class StreamTest(DataCase):
    def test_each_outcome_is_named(self) -> None:
        make_products(1)
        seen = [
            Arrival(time.time(), "accepted", "purchase", "shopper", "anna", "p0", 2, 1.5, placement="home", position=3),
            Arrival(time.time(), "unjoined", "view", "visitor", "v1", "nobody-knows"),
            Arrival(time.time(), "duplicate", "view", "visitor", "v1", "p0", source="simulator"),
            Arrival(time.time(), "rejected", code="unknown_type", field="type", message="expected one of …"),
        ]
        sight.note_arrivals(lambda: seen)
        self.client.force_login(make_person())
        text = text_of(self.client.get(reverse("data-stream")))
        for words in ("accepted", "unjoined", "duplicate", "rejected", "shopper anna", "2 units", "home, position 3"):
            self.assertIn(words, text)
        self.assertIn("product № nobody-knows is not in the catalogue yet", text)
        self.assertIn("unknown_type, field type", text)
        self.assertIn("simulated", text)

    def test_what_is_posted_shows_up(self) -> None:
        make_products(2)
        make_shoppers(1)
        start_afresh()
        known, twice, stranger, wrong = event(shopper="s0"), event(shopper="s0"), event(), event(type="gaze")
        Caller().post("events", {"events": [known, twice, twice, stranger, wrong]})
        found = sight.arrivals()
        assert found is not None
        outcomes = ["rejected", "unjoined", "duplicate", "accepted", "accepted"]
        self.assertEqual([one.outcome for one in found], outcomes)
        self.assertEqual((found[-1].who, found[0].code), ("s0", "unknown_type"))

    def test_it_asks_again_every_two_seconds_unless_paused(self) -> None:
        self.client.force_login(make_person())
        address = reverse("data-stream")
        self.assertContains(self.client.get(address), 'hx-trigger="every 2s"')
        paused = self.client.get(address, {"paused": "1"})
        self.assertNotContains(paused, "every 2s")
        self.assertContains(paused, "Go on")

    def test_without_redis_it_says_so(self) -> None:
        self.client.force_login(make_person())
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            self.assertIn("Redis does not answer", text_of(self.client.get(reverse("data-stream"))))


class DeadLettersTest(DataCase):
    def setUp(self) -> None:
        super().setUp()
        at = timezone.now().isoformat()
        event = {"type": "sniff", "shopper": "anna", "product": "p0", "at": at}
        for _ in range(2):
            make_letter(payload={**event, "event_id": str(uuid.uuid4())}, code="unknown_type", field="type")
        make_letter(payload={"type": "=cmd()"}, code="missing", field="event_id")

    def test_replay_stores_what_is_valid_now(self) -> None:
        EventType.objects.create(name="sniff", weight=1)
        admin = make_person(roles.ADMIN)
        self.client.force_login(admin)
        answer = self.client.post(reverse("data-replay"), {"code": "unknown_type", "field": "type"}, follow=True)
        self.assertIn("2 events stored.", text_of(answer))
        self.assertEqual(Event.objects.filter(type="sniff").count(), 2)
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.by, entry.detail["stored"]), ("reject.replay", admin, 2))

    def test_what_is_refused_again_stays(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.post(reverse("data-replay"), {"code": "unknown_type"}, follow=True)
        self.assertIn("0 events stored, 2 refused again.", text_of(answer))
        self.assertEqual(RejectedEvent.objects.filter(replayed_at=None).count(), 3)

    def test_csv_of_one_reason_has_what_came(self) -> None:
        self.client.force_login(make_person())
        answer = self.client.get(reverse("data-rejects"), {"code": "missing"})
        lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        self.assertEqual(len(lines), 2)
        self.assertIn("=cmd()", lines[1])

    def test_a_merchandiser_sees_but_does_not_replay(self) -> None:
        self.client.force_login(make_person())
        self.assertNotIn("Replay", text_of(self.client.get(reverse("data"))))
        self.assertEqual(self.client.post(reverse("data-replay"), {"code": "missing"}).status_code, 403)


class ImportPageTest(DataCase):
    def test_what_was_found_in_words_and_missing_by_column(self) -> None:
        row = self.import_file("product_id,title,price\na,Bread,\na,Bread,2\nb,,3\n")
        found = import_page.build(row)
        self.assertIn("Lines whose id comes again later in the file; the last line counts", str(cells(found.findings)))
        missing = {line[0]: line[3] for line in cells(found.missing)}
        self.assertEqual(missing, {"price": "1", "title": "1", "product_id": "none"})
        self.assertIsNone(found.notice)
        self.assertEqual(found.url, "")

    def test_rejects_are_shown_and_can_be_fetched(self) -> None:
        row = self.import_file("product_id,price\na,cheap\nb,2\n", allow_rejects=True)
        self.client.force_login(make_person())
        text = text_of(self.client.get(reverse("import", args=[row.pk])))
        self.assertIn("cheap", text)
        answer = self.client.get(reverse("import-rejects", args=[row.pk]))
        self.assertIn("attachment", answer["Content-Disposition"])
        body = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        self.assertIn("2,", body.splitlines()[1])
        self.assertIn("cheap", body)

    def test_a_later_import_of_the_file_takes_its_rejects_over(self) -> None:
        first = self.import_file("product_id,price\na,cheap\nb,2\n", allow_rejects=True)
        self.import_file("product_id,price\na,dear\nb,2\n", allow_rejects=True)
        self.client.force_login(make_person())
        self.assertEqual(self.client.get(reverse("import-rejects", args=[first.pk])).status_code, 404)

    def test_no_other_file_is_given_out(self) -> None:
        secret = self.folder / "secret.key"
        secret.write_text("…")
        link = self.folder / "x.rejects.csv"
        link.symlink_to(secret)
        self.client.force_login(make_person())
        for path in (secret, link, self.folder, self.folder / "none.rejects.csv"):
            row = Import.objects.create(kind="products", status="refused", file_name="x", rejects_file=str(path))
            self.assertEqual(self.client.get(reverse("import-rejects", args=[row.pk])).status_code, 404, path)

    def test_rejects_need_a_person(self) -> None:
        row = self.import_file("product_id,price\na,cheap\nb,2\n", allow_rejects=True)
        self.assertEqual(self.client.get(reverse("import-rejects", args=[row.pk])).status_code, 302)
        self.client.force_login(make_person(""))
        self.assertEqual(self.client.get(reverse("import-rejects", args=[row.pk])).status_code, 403)

    def test_a_running_import_asks_for_itself_again(self) -> None:
        row = Import.objects.create(kind="events", file_name="e.csv", rows_read=5, rows_total=10, step="reading")
        self.client.force_login(make_person())
        self.assertContains(self.client.get(reverse("import", args=[row.pk])), 'hx-trigger="every 1s"')
        self.assertContains(self.client.get(reverse("data-imports")), 'hx-trigger="every 2s"')


class UploadTest(DataCase):
    def post(self, name: str = "shelf.csv", body: bytes = b"product_id\na\n", **fields: str):  # type: ignore[no-untyped-def]
        data = {"kind": "products", "file": SimpleUploadedFile(name, body), **fields}
        return self.client.post(reverse("import-upload"), data)

    def test_a_file_is_kept_and_queued(self) -> None:
        admin = make_person(roles.ADMIN)
        self.client.force_login(admin)
        with self.captureOnCommitCallbacks():
            answer = self.post("../../My shelf.csv", allow_rejects="on")
        row = Import.objects.get()
        self.assertRedirects(answer, reverse("import", args=[row.pk]))
        self.assertEqual((row.status, row.requested_by, row.allow_rejects), ("queued", admin, True))
        self.assertEqual(uploads.path_of(row), self.folder / "uploads" / str(row.pk) / "My_shelf.csv")
        self.assertEqual(uploads.path_of(row).read_bytes(), b"product_id\na\n")
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.detail["file"]), ("import.upload", "My_shelf.csv"))

    def test_what_cannot_be_taken_is_named(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        for answer, words in (
            (self.post("shelf.xlsx"), "Expected a file whose name ends in .csv"),
            (self.post(body=b""), "is empty"),
            (self.post(kind="carrots"), "Expected one of products, shoppers, events"),
            (self.client.post(reverse("import-upload"), {"kind": "events"}), "Expected a file; received none"),
        ):
            self.assertEqual(answer.status_code, 400)
            self.assertIn(words, text_of(answer))
        self.assertFalse(Import.objects.exists())

    @override_settings(UPLOAD_MAX_MIB=1)
    def test_a_file_over_the_limit_is_not_kept(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.post(body=b"product_id\n" + b"a\n" * 600_000)
        self.assertEqual(answer.status_code, 400)
        self.assertIn("at most 1 MiB", text_of(answer))
        self.assertFalse((self.folder / "uploads").exists())

    def test_it_needs_the_token_and_the_role(self) -> None:
        self.client.force_login(make_person())
        self.assertEqual(self.post().status_code, 403)
        self.assertNotContains(self.client.get(reverse("data")), 'type="file"')
        strict = self.client_class(enforce_csrf_checks=True)
        strict.force_login(make_person(roles.ADMIN))
        data = {"kind": "products", "file": SimpleUploadedFile("a.csv", b"product_id\na\n")}
        self.assertEqual(strict.post(reverse("import-upload"), data).status_code, 403)
        self.assertFalse(Import.objects.exists())

    def test_a_wrong_header_is_the_error_of_the_row(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        self.post(body=b"sku\na\n")
        row = Import.objects.get()
        self.assertEqual(uploads.run(row.pk), "failed")
        text = unescape(text_of(self.client.get(reverse("import", args=[row.pk]))))
        self.assertIn("Expected a column 'product_id' in the header; found 'sku'", text)
        self.assertIn("Try again", text)

    def test_refused_lines_can_be_left_out_with_one_click(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        self.post(body=b"product_id,price\na,cheap\nb,2\n")
        row = Import.objects.get()
        self.assertEqual(uploads.run(row.pk), "refused")
        self.assertIn("Store the 1 others", text_of(self.client.get(reverse("import", args=[row.pk]))))
        self.client.post(reverse("import-retry", args=[row.pk]), {"allow_rejects": "on"})
        self.assertEqual(uploads.run(row.pk), "stored")
        self.assertEqual(Product.objects.get().external_id, "b")
        self.assertFalse(uploads.path_of(row).exists())
        row.refresh_from_db()
        self.assertIsNotNone(uploads.rejects_of(row))

    def test_what_is_stored_is_not_tried_again(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        self.post()
        row = Import.objects.get()
        uploads.run(row.pk)
        answer = self.client.post(reverse("import-retry", args=[row.pk]), follow=True)
        self.assertIn("The file is not there any more", text_of(answer))
        self.client.force_login(make_person())
        self.assertEqual(self.client.post(reverse("import-retry", args=[row.pk])).status_code, 403)

    def test_a_killed_import_fails_with_words(self) -> None:
        row = Import.objects.create(kind="events", file_name="e.csv", host=uploads.processes.HOST, process_id=2**22 + 1)
        elsewhere = Import.objects.create(kind="events", file_name="f.csv", host="another", process_id=1)
        uploads.mend()
        row.refresh_from_db()
        elsewhere.refresh_from_db()
        self.assertEqual((row.status, row.error), ("failed", KILLED))
        self.assertEqual(elsewhere.status, "running")

    def test_old_files_go(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        self.post(body=b"sku\na\n")
        row = Import.objects.get()
        uploads.run(row.pk)
        Import.objects.update(finished_at=timezone.now() - uploads.KEPT - timedelta(days=1))
        uploads.mend()
        self.assertFalse(uploads.path_of(row).exists())
        row.refresh_from_db()
        self.assertEqual(row.upload, "")


class WorkerTest(CommittedCase):
    def test_a_worker_imports_what_was_uploaded(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        with start_worker(queues="default"):
            body = SimpleUploadedFile("shelf.csv", b"product_id,title\na,Bread\nb,Milk\n")
            self.client.post(reverse("import-upload"), {"kind": "products", "file": body})
            row = Import.objects.get()
            self.addCleanup(uploads.shutil.rmtree, uploads.path_of(row).parent, ignore_errors=True)
            for _ in range(120):
                row.refresh_from_db()
                if row.finished_at:
                    break
                time.sleep(0.25)
        self.assertEqual((row.status, row.error, row.stored), ("stored", "", 2))
        self.assertEqual(Product.objects.count(), 2)
