"""Two runs beside each other, and the words of figures."""

from __future__ import annotations

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from recsite.dashboard import comparison, learning
from recsite.dashboard.learning import Net
from recsite.dashboard.measures import NDCG, Measured
from recsite.dashboard.pages import models as page
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person
from tests.dashboard.runs import SEES, make_generation, make_metrics, make_run, serve


class ComparisonTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person())

    def test_the_newest_stands_beside_what_serves(self) -> None:
        serving, other, newest = make_run(), make_run(), make_run()
        serve(make_generation(serving))
        made = page.build({}, permissions=SEES).comparison
        assert made is not None
        chosen = [next(o.value for o in select.options if o.selected) for select in (made.a, made.b)]
        self.assertEqual(chosen, [str(newest.pk), str(serving.pk)])
        made = page.build({"a": str(other.pk), "b": str(newest.pk)}, permissions=SEES).comparison
        assert made is not None
        self.assertIn(f"{other.pk} vs {newest.pk}", [column.label for column in made.table.columns])

    def test_a_difference_within_the_noise_is_not_called_better(self) -> None:
        a, b = make_run(metrics=make_metrics(ndcg=0.431)), make_run(metrics=make_metrics(ndcg=0.430))
        delta = comparison.difference_of(NDCG, Measured.of(a), Measured.of(b), "ALL")
        assert delta is not None
        self.assertEqual((delta.sign, delta.tone), ("≈", ""))
        b.metrics = make_metrics(ndcg=0.3)
        delta = comparison.difference_of(NDCG, Measured.of(a), Measured.of(b), "ALL")
        assert delta is not None
        self.assertEqual((delta.sign, delta.better), ("▲", True))
        self.assertIn("excludes 0", comparison.said_of(a, b, "ALL"))

    def test_other_days_are_not_compared_figure_by_figure(self) -> None:
        a, b = make_run(), make_run()
        b.metrics["window"]["end"] = 20035.0
        self.assertIsNone(comparison.difference_of(NDCG, Measured.of(a), Measured.of(b), "ALL"))
        self.assertIn("different later days", comparison.said_of(a, b, "ALL"))

    def test_the_page_of_two(self) -> None:
        a = make_run(config={"layers": [128, 64], "dropout": 0.1})
        b = make_run(config={"layers": [10, 5], "dropout": 0.1}, architecture="textbook")
        serve(make_generation(a))
        lists = make_generation(b)
        answer = self.client.get(reverse("model-compare"), {"a": str(a.pk), "b": str(b.pk), "side": "NEW"})
        self.assertContains(answer, "128, 64")
        self.assertContains(answer, "10, 5")
        self.assertNotContains(answer, "Dropout")
        self.assertContains(answer, f"a=serving.live&amp;b={lists.pk}.live")
        self.assertContains(answer, "Loss by list on later days")
        self.assertContains(answer, "Ahead of the baselines")

    def test_unknown_or_unmeasured_runs_are_not_found(self) -> None:
        run, bare = make_run(), make_run("failed", metrics={})
        for b in ("", "x", "²", "999999", str(bare.pk)):
            self.assertEqual(self.client.get(reverse("model-compare"), {"a": str(run.pk), "b": b}).status_code, 404, b)


class WordsTest(TestCase):
    def test_over_fitting_is_said_in_a_sentence(self) -> None:
        falling = [0.5, 0.4, 0.35, 0.3]
        self.assertIn(
            "Over-fitting from epoch 2 on", learning.fitting(Net("softmax", falling, [0.5, 0.4, 0.42, 0.44], []))
        )
        self.assertIn("still improving", learning.fitting(Net("softmax", falling, falling, [])))
        self.assertIn("best in epoch 3", learning.fitting(Net("softmax", falling, [0.5, 0.4, 0.398, 0.399], [])))
        self.assertIn("Too few epochs", learning.fitting(Net("softmax", [0.5], [0.4], [])))
        self.assertIn("Too few epochs", learning.fitting(Net("softmax", [0.5, 0.4], [None, None], [])))

    def test_no_figure_is_never_zero(self) -> None:
        run = make_run()
        run.metrics["models"]["deep"]["ALL"]["ndcg@10"] = None
        measured = Measured.of(run)
        self.assertEqual(NDCG.text(measured.own(NDCG)), "–")
        self.assertIsNone(measured.lead())
        self.assertEqual(NDCG.change(None, 0.3).text, "–")
