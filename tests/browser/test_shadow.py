"""An admin puts a model in shadow, takes that back by a key, reads what it would have shown, and compares lists."""

from __future__ import annotations

import tempfile

from django.test import override_settings
from playwright.sync_api import expect

from recommender import queries, services
from recsite.dashboard import roles
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person
from tests.dashboard.runs import make_generation, make_run, serve
from tests.dashboard.test_model_shadow import make_lists
from tests.recommender.test_comparing import store_lists


class ShadowCase(ConsoleCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        models = override_settings(MODEL_DIR=folder.name)
        models.enable()
        self.addCleanup(models.disable)
        make_person(roles.ADMIN)
        self.serving, self.run_ = make_run(), make_run()
        serve(make_generation(self.serving))
        make_generation(self.run_)
        self.log_in("admin", PASSWORD)


class TasksTest(ShadowCase):
    def test_put_in_shadow_undone_and_put_again(self) -> None:
        self.page.goto(f"/models/{self.run_.pk}/")
        self.page.get_by_role("button", name="Put in shadow").click()
        expect(self.page.get_by_role("status")).to_contain_text("scored in shadow from now on")
        expect(self.page.get_by_text("No list was scored yet")).to_be_visible()
        self.page.keyboard.press("z")
        expect(self.page.get_by_role("status")).to_contain_text("out of shadow")
        self.assertIsNone(queries.in_shadow())
        self.page.get_by_role("button", name="Put in shadow").click()
        expect(self.page.get_by_role("button", name="Take out of shadow")).to_be_visible()

    def test_what_it_would_have_shown(self) -> None:
        services.shadow(run=self.run_)
        make_lists(self.run_, self.serving, lists=200)
        self.page.goto(f"/models/{self.run_.pk}/")
        shadow = self.page.locator("#shadow")
        expect(shadow).to_contain_text("600, of 40 shoppers")
        expect(shadow.get_by_role("row", name="bought a product")).to_contain_text("100.0 pt")
        shadow.get_by_text("By day", exact=True).click()
        expect(shadow.get_by_role("row", name="22 Nov 2026")).to_be_visible()

    def test_the_schedule_and_its_undo(self) -> None:
        self.page.goto("/models/schedule/")
        self.page.get_by_label("Score it in shadow").check()
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.get_by_role("status")).to_contain_text("Saved")
        self.page.keyboard.press("z")
        expect(self.page.get_by_role("status")).to_contain_text("Undone")
        expect(self.page.get_by_label("Score it in shadow")).not_to_be_checked()


class LooksTest(ShadowCase):
    def test_each_page(self) -> None:
        make_lists(self.run_, self.serving, lists=200)
        services.shadow(run=self.run_)
        a = store_lists({f"s:s{n}": list(range(10)) for n in range(9)}, run=make_run())
        b = store_lists({f"s:s{n}": list(range(n, n + 10)) for n in range(9)}, run=make_run())
        address = f"/models/{self.run_.pk}/"
        self.check_pages([address, f"/models/compare/?a={a.pk}&b={b.pk}", "/models/schedule/", "/models/tuning/"])
        self.check_pages([address], opened="#shadow details")
