"""An admin with no manual: start a run, see it learn, stop it, promote another model and take that back."""

from __future__ import annotations

import re

from django.utils import timezone
from playwright.sync_api import expect

from recommender import publish
from recommender.models import TrainingRun
from recsite.dashboard import roles
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person
from tests.dashboard.runs import make_generation, make_run, serve


class ModelsTest(ConsoleCase):
    def setUp(self) -> None:
        super().setUp()
        self.serving, self.next = make_run(), make_run()
        serve(make_generation(self.serving))
        make_generation(self.next)
        make_person(roles.ADMIN)
        self.log_in(roles.ADMIN, PASSWORD)

    def test_start_watch_and_stop(self) -> None:
        self.page.goto("/models/")
        self.page.get_by_role("link", name="Start a retrain").click()
        self.page.get_by_label("Architecture").select_option("textbook")
        self.page.get_by_role("button", name="Start training").click()
        run = TrainingRun.objects.latest("pk")
        card = self.page.locator("#live-run")
        expect(card.get_by_role("heading", level=2)).to_contain_text(f"Run {run.pk} is waiting")
        self.train(run, epochs=1)
        self.page.reload()
        expect(card).to_contain_text("Train, epoch 1 of 12")
        self.train(run, epochs=3)
        expect(card).to_contain_text("Train, epoch 3 of 12")  # without a click
        expect(card.locator("[data-chart] .legend, .js-plotly-plot").first).to_be_visible()
        card.get_by_role("link", name="Stop").click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_contain_text("What it has learned so far is lost")
        dialog.get_by_role("button", name=re.compile("Stop run")).click()
        expect(self.page.locator("#toasts")).to_contain_text("stops at its next step")
        TrainingRun.objects.filter(pk=run.pk).update(status="stopped", finished_at=timezone.now())
        expect(card).to_have_count(0)  # the page was loaded anew
        expect(self.page.locator(f"#run-{run.pk}")).to_contain_text("Stopped")

    def train(self, run: TrainingRun, *, epochs: int) -> None:
        """What the training child writes into the row."""
        losses = [1 / (epoch + 1) for epoch in range(epochs)]
        curves = {
            "epoch": list(range(1, epochs + 1)),
            "loss": losses,
            "validation_loss": losses,
            "validation_ndcg": losses,
        }
        TrainingRun.objects.filter(pk=run.pk).update(
            status="running",
            step="train",
            progress=0.4 + epochs / 100,
            epoch=epochs,
            epochs=12,
            curves=curves,
            started_at=timezone.now(),
            heartbeat_at=timezone.now(),
        )

    def test_promote_and_undo_by_key(self) -> None:
        self.page.goto("/models/")
        self.page.get_by_role("button", name=f"Promote model {self.next.pk}").click()
        expect(self.page.locator("#toasts")).to_contain_text(f"Model {self.next.pk} serves since")
        expect(self.page.locator(f"#run-{self.next.pk}")).to_contain_text("Serving")
        self.page.keyboard.press("z")
        expect(self.page.locator("#toasts")).to_contain_text(f"Model {self.serving.pk} serves again since")
        switch = publish.serving()
        assert switch is not None
        self.assertEqual(switch.generation.run_id, self.serving.pk)

    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        both = f"/models/compare/?a={self.next.pk}&b={self.serving.pk}"
        failed = make_run("failed", metrics={}, verdict={}, error="MemoryError")
        live = TrainingRun.objects.create(status="running")
        self.train(live, epochs=3)
        pages = ["/models/", "/models/retrain/", both, f"/models/{live.pk}/stop/"]
        pages += [f"/models/{run.pk}/" for run in (self.next, failed, live)]
        self.check_pages(pages, until="load")  # a live run asks for its progress each second
