"""An admin sets a second factor up by the key on the page, logs in with it, and with a recovery code; every page of it
is legible at both widths and in both schemes."""

from __future__ import annotations

import time
from base64 import b32decode
from binascii import hexlify

from playwright.sync_api import expect

from recsite.dashboard import roles, second_factor
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person
from tests.dashboard.test_second_factor import KEY, code_of, give


class SecondFactorCase(ConsoleCase):
    def setUp(self) -> None:
        super().setUp()
        self.admin = make_person(roles.ADMIN)

    def give_password(self) -> None:
        self.page.goto("/login/")
        self.page.get_by_label("Name").fill("admin")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()

    def log_out(self) -> None:
        self.page.context.clear_cookies()


class TasksTest(SecondFactorCase):
    def test_set_up_logged_in_with_and_got_in_without_the_phone(self) -> None:
        self.give_password()
        self.page.goto("/settings/you/")
        self.page.get_by_role("link", name="Set it up").click()
        expect(self.page.get_by_role("img", name="QR code with the key for your phone")).to_be_visible()
        self.page.get_by_text("type the key").click()
        spelled = self.page.locator("details pre").inner_text().replace(" ", "")
        key = hexlify(b32decode(spelled)).decode()
        self.page.get_by_label("The six digits").fill(code_of(key))
        self.page.get_by_role("button", name="Turn it on").click()
        codes = self.page.locator("#once").inner_text().split()
        self.assertEqual(len(codes), 10)
        self.page.get_by_role("link", name="I have them").click()
        expect(self.page.get_by_text("10 of 10 left")).to_be_visible()

        self.log_out()
        self.give_password()
        expect(self.page.get_by_role("heading", name="Second step")).to_be_visible()
        self.page.goto("/rules/")
        self.assertIn("/login/", self.page.url, "the password alone opens nothing")
        self.give_password()
        time.sleep(max(0.0, 30.5 - time.time() % 30))  # the code that turned it on is not good again
        self.page.get_by_label("Code").fill(code_of(key))
        self.page.get_by_role("button", name="Go on").click()
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()

        self.log_out()
        self.give_password()
        self.page.get_by_label("Code").fill(codes[0])
        self.page.get_by_role("button", name="Go on").click()
        expect(self.page.get_by_text("9 recovery codes left")).to_be_visible()

    def test_without_scripts(self) -> None:
        give(self.admin)
        page = self.without_scripts()
        page.goto("/login/")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Code").fill(code_of(KEY))
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()


class LooksTest(SecondFactorCase):
    def test_each_page(self) -> None:
        other = make_person(name="mara")
        give(other)
        self.give_password()
        self.check_pages(
            ["/settings/you/", "/settings/you/second-factor/", f"/settings/people/{other.pk}/second-factor/"]
        )
        self.log_out()
        give(self.admin)
        self.give_password()
        self.check_pages(["/login/code/"])
        self.page.get_by_label("Code").fill(second_factor.new_codes(person=self.admin)[0])
        self.page.get_by_role("button", name="Go on").click()
        self.check_pages(["/settings/you/second-factor/", "/settings/you/second-factor/off/", "/settings/"])
