"""An admin makes a key, rotates and revokes it, invites a person; every part of Settings is legible and reachable."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path
from playwright.sync_api import expect

from behavior.models import EventType
from recsite.api import keys
from recsite.api.models import ApiKey
from recsite.dashboard import audit, roles
from recsite.urls import urlpatterns as site
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person


def broken(request: HttpRequest) -> HttpResponse:
    """The page of a bug, as Django draws it: without a request."""
    return HttpResponse(render_to_string("500.html"))


urlpatterns = [path("broken/", broken), *site]


class SettingsCase(ConsoleCase):
    def setUp(self) -> None:
        super().setUp()
        keys.ring.forget()
        self.admin = make_person(roles.ADMIN)
        self.log_in("admin", PASSWORD)


class TasksTest(SettingsCase):
    def test_a_key_from_making_to_revoking(self) -> None:
        self.page.goto("/settings/")
        self.page.get_by_role("link", name="Keys").click()
        self.page.get_by_role("link", name="Make a key").first.click()
        self.page.get_by_label("What it is for").fill("Web shop")
        self.page.get_by_role("button", name="Make the key").click()
        secret = self.page.locator("#once").inner_text()
        self.assertNotIn(secret, self.page.url)
        found = keys.ring.find(secret)
        self.assertTrue(found and found.may("events:write") and not found.may("admin"))
        self.page.get_by_role("link", name="I have it").click()
        self.assertNotIn(secret, self.page.content())
        self.page.get_by_role("link", name="Web shop").click()
        self.page.get_by_role("button", name="Rotate").click()
        expect(self.page.get_by_text("The old key goes on until")).to_be_visible()
        self.page.get_by_role("link", name="I have it").click()
        self.assertEqual(keys.live().count(), 2)
        old = ApiKey.objects.order_by("id")[0]
        self.page.goto(f"/settings/keys/{old.pk}/")
        self.page.get_by_role("link", name="Revoke…").click()
        button = self.page.get_by_role("button", name="Revoke it")
        expect(button).to_be_disabled()
        self.page.get_by_label(re.compile("^Type sk_")).fill(old.prefix)
        button.click()
        expect(self.page.get_by_role("status")).to_contain_text("is revoked")
        keys.ring.forget()
        self.assertIsNone(keys.ring.find(secret))

    def test_an_invited_person_chooses_a_password_and_looks_around(self) -> None:
        self.page.goto("/settings/people/new/")
        self.page.get_by_label("Name to log in with").fill("mara")
        self.page.get_by_role("button", name="Invite").click()
        link = self.page.locator("#once").inner_text()
        context = self.browser.new_context(base_url=self.live_server_url)
        self.addCleanup(context.close)
        theirs = context.new_page()
        theirs.goto(link)
        theirs.get_by_label("Password", exact=True).fill(PASSWORD)
        theirs.get_by_label("Password again").fill(PASSWORD)
        theirs.get_by_role("button", name="Set the password").click()
        theirs.get_by_label("Name").fill("mara")
        theirs.get_by_label("Password").fill(PASSWORD)
        theirs.get_by_role("button", name="Log in").click()
        theirs.goto("/settings/")
        expect(theirs.get_by_role("navigation", name="Settings").get_by_role("link")).to_have_text(["Shop", "You"])

    def test_a_weight_is_changed_and_undone_by_one_key(self) -> None:
        self.page.goto("/settings/event-types/of/view/")
        self.page.get_by_label("Weight").fill("0.25")
        self.page.keyboard.press("Control+Enter")
        expect(self.page.get_by_role("status")).to_contain_text("from the next training on")
        self.assertEqual(EventType.objects.get(name="view").weight, 0.25)
        self.page.locator("body").press("z")
        expect(self.page.get_by_role("status")).to_contain_text("Undone")
        self.assertEqual(EventType.objects.get(name="view").weight, 1.0)


class EveryPageTest(SettingsCase):
    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        key = keys.create(name="Pages", kind="publishable", scopes=["events:write"], origins=["https://shop.example"])
        person = make_person(name="mara")
        audit.note(by=self.admin, action="key.create", subject=str(key.row), detail={"scopes": key.row.scopes})
        pages = (
            "/settings/",
            "/settings/you/",
            "/settings/password/",
            "/settings/keys/",
            "/settings/keys/new/?kind=publishable",
            f"/settings/keys/{key.row.pk}/",
            f"/settings/keys/{key.row.pk}/revoke/",
            "/settings/people/",
            "/settings/people/new/",
            f"/settings/people/{person.pk}/",
            "/settings/event-types/",
            "/settings/event-types/of/view/",
            "/settings/audit/?check=1",
            "/gallery/",
        )
        with self.settings(DEBUG=True):  # the gallery is for who works on the console
            self.check_pages(pages)

    def test_the_tab_that_is_open_is_in_sight_on_a_phone(self) -> None:
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.page.goto("/settings/you/")
        expect(self.page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)
        self.assertEqual(self.page.evaluate("scrollY"), 0)

    def test_the_pages_without_navigation(self) -> None:
        self.page.context.clear_cookies()
        with self.settings(ROOT_URLCONF="tests.browser.test_settings"):
            self.check_pages(("/login/", "/password/MQ/wrong-token/", "/broken/"))
            self.log_in("admin", PASSWORD)
            self.check_pages(("/nowhere/",))
            self.admin.groups.clear()
            self.check_pages(("/products/",))
        # The browser says of itself that a page was a 404 or a 403.
        self.errors = [line for line in self.errors if "Failed to load resource" not in line]
