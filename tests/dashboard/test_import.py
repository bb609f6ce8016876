"""Files that are uploaded: the form, one import's page, the worker that stores it."""

from __future__ import annotations

import time
from datetime import timedelta
from html import unescape

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from catalog.import_row import KILLED
from catalog.models import Import, Product
from recsite import uploads
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import import_ as import_page
from recsite.testing import CommittedCase, start_worker
from tests.dashboard.people import make_person
from tests.dashboard.test_data import DataCase, cells
from tests.dashboard.test_lists import text_of


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
