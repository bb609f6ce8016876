"""How much each position is looked at, on a run's page."""

from __future__ import annotations

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from recsite.dashboard import numbers, roles
from recsite.dashboard.pages import model_positions
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person
from tests.dashboard.runs import make_run

TOLD = {
    "shown": 1200,
    "taken_up": 90,
    "weight": 1.0,
    "negatives": 340,
    "propensity": {"home": {"clicks": 80, "looked_at": [1.0, 0.62, 0.46]}},
}


class PositionsTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()

    def test_a_row_a_placement_and_a_dash_where_nothing_was_shown(self) -> None:
        run = make_run()
        run.metrics = {**run.metrics, "exposure": TOLD}
        part = model_positions.build(run)
        assert part is not None
        told = [numbers.percent(share, 0) for share in (1.0, 0.62, 0.46)]
        self.assertEqual(
            [cell.content for cell in part.table.rows[0].cells], ["home", "80", *told, numbers.DASH, numbers.DASH]
        )
        self.assertIn("340 that were passed over", part.said)

    def test_the_page_shows_it_only_where_lists_were_known(self) -> None:
        run = make_run()
        self.assertIsNone(model_positions.build(run))
        self.client.force_login(make_person(roles.ADMIN))
        self.assertNotContains(self.client.get(reverse("model", args=[run.pk])), 'id="positions"')
        run.metrics = {**run.metrics, "exposure": TOLD}
        run.save()
        self.assertContains(self.client.get(reverse("model", args=[run.pk])), 'id="positions"')

    def test_a_run_that_was_set_to_learn_nothing_says_so(self) -> None:
        run = make_run()
        run.metrics = {"exposure": {**TOLD, "weight": 0.0}}
        part = model_positions.build(run)
        assert part is not None
        self.assertIn("learn nothing", part.said)
