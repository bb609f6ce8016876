"""An admin hands in a small file: its progress moves by itself, what is refused is named by line and fetched, and the
valid rows are stored at a click. The page's parts are legible at both widths and in both schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.test import override_settings
from playwright.sync_api import expect

from catalog.models import Import, Product
from recsite.dashboard import roles
from recsite.testing import start_worker
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person

ROWS = b"""product_id,title,brand,price
p1,White milk,Farm,1.20
p2,Brown bread,,2.10
p3,Butter,Farm,cheap
,Nameless,Farm,1.00
"""


class DataCase(ConsoleCase):
    def setUp(self) -> None:
        super().setUp()
        make_person(roles.ADMIN)
        self.log_in("admin", PASSWORD)

    def hand_in(self, content: bytes = ROWS) -> None:
        self.page.goto("/data/")
        self.page.get_by_label("What the file holds").select_option("products")
        self.page.get_by_label("File", exact=True).set_input_files(
            {"name": "week.csv", "mimeType": "text/csv", "buffer": content}
        )
        self.page.get_by_role("button", name="Import").click()


class UploadTest(DataCase):
    def test_progress_rejects_and_the_others_stored(self) -> None:
        self.hand_in()
        live = self.page.locator("#one-import")
        expect(live).to_contain_text("Waiting for a worker")
        with start_worker(queues="default"):
            # Without a click or a reload: the page asks for itself each second.
            expect(live).to_contain_text("Nothing was stored.", timeout=60_000)
            row = Import.objects.get()
            self.assertEqual((row.status, row.rows_read, row.rejected), ("refused", 4, 2))
            refused = self.page.get_by_role("table", name="The first refused lines")
            expect(refused).to_contain_text("cheap")
            expect(refused.get_by_role("row")).to_have_count(3)
            text = self.download("Download rejects")
            self.assertIn("p3,Butter", text.replace('"', ""))
            self.assertEqual(Product.objects.filter(is_stub=False).count(), 0)
            self.page.get_by_role("button", name="Store the 2 others").click()
            expect(live.get_by_role("region", name="What became of the rows")).to_be_visible(timeout=60_000)
        self.assertEqual(set(Product.objects.values_list("title", flat=True)), {"White milk", "Brown bread"})
        self.page.goto("/data/")
        expect(self.page.get_by_role("table", name="Missing values by attribute")).to_contain_text("Brand")

    def download(self, name: str) -> str:
        """What the button fetches."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("link", name=name).or_(self.page.get_by_role("button", name=name)).first.click()
        path: Any = waiting.value.path()
        return Path(path).read_text(encoding="utf-8")


class LooksTest(DataCase):
    def test_each_page(self) -> None:
        with override_settings(KEEP_COUNTS=False):
            self.hand_in()
            with start_worker(queues="default"):
                expect(self.page.locator("#one-import")).to_contain_text("Nothing was stored.", timeout=60_000)
            self.check_pages(["/data/", f"/data/imports/{Import.objects.get().pk}/"], until="load")
