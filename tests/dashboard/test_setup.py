from __future__ import annotations

from datetime import timedelta

from django.test import TestCase
from django.utils import timezone

from recommender.models import SetupStep
from recsite.dashboard.pages import setup
from recsite.dashboard.shop import read_shop
from tests.dashboard.people import make_person
from tests.goods import make_products


def make_steps(*states: str) -> list[SetupStep]:
    """A first start with one step for each state, the running one half done for ten seconds."""
    rows = []
    for position, state in enumerate(states):
        half = {"progress": 0.5, "started_at": timezone.now() - timedelta(seconds=10)} if state == "running" else {}
        rows.append(
            SetupStep.objects.create(
                name=f"step-{position}", title=f"Step {position}", position=position, status=state, **half
            )
        )
    return rows


class SetupPageTest(TestCase):
    def test_it_shows_each_step_and_how_long_the_running_one_takes(self) -> None:
        make_steps("done", "running", "waiting")
        page = setup.build(read_shop(), known=True)
        self.assertEqual([step.state for step in page.progress.steps], ["done", "current", "waiting"])
        self.assertEqual(page.progress.per_cent, 50)
        self.assertRegex(page.progress.steps[1].note, r"^about (9\.\d|1\d(\.0)?).s left$")
        self.assertFalse(page.finished)

    def test_the_front_page_leads_to_it_before_anyone_can_log_in(self) -> None:
        make_steps("done", "running")
        self.assertRedirects(self.client.get("/"), "/setup/")
        answer = self.client.get("/setup/")
        self.assertContains(answer, "Getting your shop ready")
        self.assertContains(answer, "Log in")

    def test_it_is_the_same_fragment_when_asked_for_again(self) -> None:
        make_steps("running")
        fragment = self.client.get("/setup/", headers={"HX-Request": "true"})
        self.assertTemplateUsed(fragment, "dashboard/_setup.html")
        self.assertNotContains(fragment, "<html")

    def test_it_links_to_what_is_there_already(self) -> None:
        make_steps("done", "running")
        self.client.force_login(make_person())
        self.assertNotContains(self.client.get("/setup/"), "Look at products")
        make_products(2)
        self.assertContains(self.client.get("/setup/"), "Look at products")

    def test_a_failed_step_gives_its_reason_and_the_front_page_opens_again(self) -> None:
        (step,) = make_steps("failed")
        step.error = "Traceback …\nOSError: the disk is full"
        step.save()
        page = setup.build(read_shop(), known=True)
        self.assertIn("the disk is full", page.notice.text)
        self.assertFalse(page.progress.running)
        self.assertFalse(setup.is_unfinished())

    def test_once_done_a_stranger_is_asked_to_log_in(self) -> None:
        make_steps("done")
        self.assertRedirects(self.client.get("/setup/"), "/login/")
        self.client.force_login(make_person())
        self.assertContains(self.client.get("/setup/"), "Your shop is ready")
