"""What every browser test of the console begins with, and what every page is held to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import ConsoleMessage, Page

from recsite.testing import LiveCase, open_new_shop

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1440, 390)
#: htmx complains so of a request that a newer one replaced, or whose page was left; a failed one has another name
#: (``htmx:responseError``, ``htmx:sendError``) beside the first of these.
ABORTED = ("htmx:afterRequest,", "htmx:sendAbort,")


class ConsoleCase(LiveCase):
    """A new shop; whatever the browser's console complains of fails the test."""

    def setUp(self) -> None:
        super().setUp()
        open_new_shop(self)
        cache.clear()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, line: ConsoleMessage) -> None:
        if line.type == "error" and not line.text.startswith(ABORTED):
            self.errors.append(line.text)

    def tearDown(self) -> None:
        self.assertEqual(self.errors, [], "the browser's console")
        super().tearDown()

    def without_scripts(self) -> Page:
        """A page of the same person in a browser that runs no script."""
        context = self.browser.new_context(java_script_enabled=False, base_url=self.live_server_url)
        context.add_cookies(self.page.context.cookies())  # type: ignore[arg-type]
        self.addCleanup(context.close)
        return context.new_page()

    def check_pages(
        self, addresses: Iterable[str], *, opened: str = "", until: Literal["load", "networkidle"] = "networkidle"
    ) -> None:
        """Every page in both schemes and at both widths. ``opened``: selector of details that are opened first;
        ``until`` "load" for pages that ask for their progress again and again."""
        for scheme, width, address in product(SCHEMES, WIDTHS, addresses):
            with self.subTest(address=address, scheme=scheme, width=width):
                self.page.emulate_media(color_scheme=scheme)
                self.page.set_viewport_size({"width": width, "height": 900})
                self.page.goto(address, wait_until=until)
                for details in self.page.locator(opened).all() if opened else ():
                    details.evaluate("element => { element.open = true; }")
                self.check()

    def check(self) -> None:
        """Nothing scrolls sideways, and axe-core finds nothing serious."""
        overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertLessEqual(overflow, 0)
        found = Axe().run(self.page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        self.assertEqual([(one["id"], one["nodes"][0]["html"][:200]) for one in serious], [])
