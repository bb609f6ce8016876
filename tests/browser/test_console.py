"""The check that every page is held to finds what it is there to find."""

from __future__ import annotations

from tests.browser.console import ConsoleCase

PAGE = '<html lang="en"><title>A page</title><main><h1>A page</h1>{}</main></html>'


class CheckTest(ConsoleCase):
    def test_a_page_in_order_passes(self) -> None:
        self.page.set_content(PAGE.format("<p>Nothing to find.</p>"))
        self.check()

    def test_what_scrolls_sideways_is_found(self) -> None:
        self.page.set_content(PAGE.format('<p style="width: 3000px">Wider than any window.</p>'))
        with self.assertRaisesRegex(AssertionError, "not less than or equal to 0"):
            self.check()

    def test_a_picture_without_words_is_found(self) -> None:
        self.page.set_content(PAGE.format('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'))
        with self.assertRaisesRegex(AssertionError, "image-alt"):
            self.check()
