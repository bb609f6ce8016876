"""Planted bad models are blocked, each for its own reason; a good one passes."""

from __future__ import annotations

from typing import Any
from unittest import TestCase

import numpy as np

from recommender.gate import Margins, Sample, Verdict, judge

LIMITS = Margins()


def metrics(own: float = 0.42, *, new: float = 0.06, se: float = 0.002, end: float = 100.0) -> dict[str, Any]:
    """As engine.evaluate tells them, beside two baselines."""
    baselines = {"own_decay_180d": (0.41, 0.01), "ease": (0.30, 0.05)}
    models = {"deep": {"ALL": {"ndcg@10": own, "se": 0.007}, "NEW": {"ndcg@10": new, "se": 0.002}}}
    models |= {name: {"ALL": {"ndcg@10": a}, "NEW": {"ndcg@10": n}} for name, (a, n) in baselines.items()}
    paired = {
        name: {"ALL": {"mean": own - a, "se": se}, "NEW": {"mean": new - n, "se": se}}
        for name, (a, n) in baselines.items()
    }
    return {
        "window": {"start": 72.0, "end": end, "shoppers": 2000, "truth": 9000},
        "models": models,
        "paired": {"deep": paired},
        "best_baseline": {"ALL": "own_decay_180d", "NEW": "ease"},
    }


def sample(**changes: Any) -> Sample:
    scores = np.linspace(-2, 2, 500)
    lists = np.arange(1000).reshape(100, 10)
    return Sample(**{"scores": scores, "expected": scores, "lists": lists, **changes})


def verdict(found: dict[str, Any] | None = None, **more: Any) -> Verdict:
    return judge(found or metrics(), model="deep", limits=LIMITS, **{"sample": sample(), **more})


def groups(**falls: tuple[float, int]) -> dict[str, Any]:
    """Beside what serves: by group, the mean fall of its shoppers and how many there are; error .012 of them all."""
    table = {
        name: {"shoppers": size, "mean": -fall, "se": 0.2 / size**0.5, "reference": 0.42}
        for name, (fall, size) in falls.items()
    }
    found = metrics()
    found["models"]["serving"] = {"ALL": {"ndcg@10": 0.42}, "NEW": {"ndcg@10": 0.06}}
    return {**found, "paired_slices": {"deep": {"serving": {"age": table}}}}


def lucky(rng: np.random.Generator, *, shoppers: int = 150, baselines: int = 14, labels: int = 6) -> dict[str, Any]:
    """Metrics of a model that is exactly as good as what serves and as every baseline: only luck tells them apart."""
    names = ["deep", "serving", *(f"baseline {number}" for number in range(baselines))]
    level = {"ALL": rng.beta(1, 1.4, shoppers), "NEW": rng.beta(0.3, 4, shoppers)}
    values = {
        name: {side: np.clip(level[side] + rng.normal(0, 0.15, shoppers), 0, None) for side in level} for name in names
    }

    def told(value: np.ndarray) -> dict[str, float]:
        return {"mean": float(value.mean()), "se": float(value.std(ddof=1) / len(value) ** 0.5)}

    table: dict[str, dict[str, Any]] = {}
    for dimension in ("age", "income", "history"):
        label, table[dimension] = rng.integers(labels, size=shoppers), {}
        for code in range(labels):
            ours, theirs = (values[name]["ALL"][label == code] for name in ("deep", "serving"))
            table[dimension][str(code)] = {
                **told(ours - theirs), "shoppers": len(ours), "reference": float(theirs.mean()),
            }  # fmt: skip
    means = {name: {side: float(value.mean()) for side, value in sides.items()} for name, sides in values.items()}
    return {
        "models": {
            name: {side: {"ndcg@10": mean, "shoppers": shoppers} for side, mean in sides.items()}
            for name, sides in means.items()
        },
        "paired": {
            name: {
                other: {side: told(values[name][side] - values[other][side]) for side in level}
                for other in names[1:]
                if other != name
            }
            for name in names
        },
        "paired_slices": {"deep": {"serving": table}},
        "best_baseline": {side: max(names[2:], key=lambda name: means[name][side]) for side in level},
    }


class Gate(TestCase):
    def failed(self, judged: Verdict) -> list[str]:
        self.assertFalse(judged.passed)
        return [check.name for check in judged.checks if not check.passed]

    def test_a_good_run_passes_and_says_why(self) -> None:
        judged = verdict()
        self.assertTrue(judged.passed, judged.summary)
        self.assertIn("0.4200", judged.summary)
        self.assertEqual(judged.best_baseline, "own_decay_180d")

    def test_nan_is_blocked(self) -> None:
        scores = np.full(500, np.nan)
        self.assertIn("finite", self.failed(verdict(sample=sample(scores=scores, expected=scores))))

    def test_a_file_that_scores_otherwise_is_blocked(self) -> None:
        self.assertIn("artifact", self.failed(verdict(sample=sample(expected=np.linspace(2, -2, 500)))))

    def test_one_list_for_everybody_is_blocked(self) -> None:
        self.assertIn("distinct", self.failed(verdict(sample=sample(lists=np.tile(np.arange(10), (100, 1))))))

    def test_shuffled_labels_lose_to_the_baselines(self) -> None:
        judged = verdict(metrics(0.02, new=0.001))
        self.assertIn("baseline ALL", self.failed(judged))
        self.assertIn("Worse than", judged.summary)

    def test_good_for_old_but_bad_for_new_items_is_blocked(self) -> None:
        self.assertEqual(self.failed(verdict(metrics(new=0.03))), ["baseline NEW"])

    def test_a_group_far_behind_is_blocked_though_the_mean_is_good(self) -> None:
        judged = verdict(groups(young=(0.15, 300), old=(-0.02, 300)))
        self.assertEqual(self.failed(judged), ["slices"])
        self.assertIn("age young: 0.2700 against 0.4200 of what serves", judged.summary)

    def test_a_small_group_or_one_within_the_noise_is_not(self) -> None:
        self.assertTrue(verdict(groups(young=(0.3, 49), old=(0.03, 300))).passed)
        self.assertTrue(verdict(groups(young=(0.06, 60))).passed)

    def test_luck_refuses_at_most_one_good_model_in_twenty(self) -> None:
        rng = np.random.default_rng(0)
        refused = sum(not verdict(lucky(rng)).passed for _ in range(400))
        self.assertLessEqual(refused, 20)

    def test_worse_within_the_noise_passes(self) -> None:
        self.assertTrue(verdict(metrics(0.40, se=0.02)).passed)

    def test_worse_than_what_serves_on_the_same_days_is_blocked(self) -> None:
        better = metrics(0.50)
        self.assertEqual(self.failed(verdict(serving=better, serving_model="deep")), ["serving"])
        self.assertTrue(verdict(serving=metrics(0.421), serving_model="deep").passed)

    def test_against_another_window_the_lead_counts(self) -> None:
        self.assertEqual(self.failed(verdict(serving=metrics(0.50, end=90.0), serving_model="deep")), ["serving"])
        self.assertTrue(verdict(serving=metrics(0.43, end=90.0), serving_model="deep").passed)

    def test_unmeasured_is_blocked(self) -> None:
        self.assertIn("measured", self.failed(verdict({"models": {}})))
