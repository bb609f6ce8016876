"""A run finds what was planted, on shops of every shape, and refuses what is too small."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np

from recommender.engine.config import Config, UnknownSetting
from recommender.engine.interactions import Histories, Interactions, Kinds, ShopData, histories
from recommender.engine.measuring import RIVAL, ranked_lists
from recommender.engine.plan import TooLittleData, plan_of
from recommender.engine.profile import weighing
from recommender.engine.progress import Progress, Stopped
from recommender.engine.scorer import Scorer
from recommender.engine.train import run_training
from recommender.engine.warm import start_of
from tests.engine.planted import chequerboard, tastes
from tests.engine.small import QUICK, busy, busy_shop, newest, without_time


def everyone(data: ShopData) -> Histories:
    return histories(data.interactions, np.arange(data.shoppers.n), data.shoppers.attributes)


def headline(metrics: dict, model: str, side: str = "ALL") -> float:
    return metrics["models"][model][side]["ndcg@10"]


class PlantedTest(unittest.TestCase):
    def test_new_items_are_of_the_shoppers_taste(self) -> None:
        data = tastes(n_items=120)
        trained = run_training(data, replace(QUICK, horizon_days=10.0), now=newest(data))
        codes, _ = trained.ranker.recommend(everyone(data), newest(data), k=5, new_only=True)
        right = (codes % 4 == np.arange(data.shoppers.n)[:, None] % 4)[codes >= 0]
        self.assertGreater(right.mean(), 0.9)

    def test_a_chequerboard_is_never_crossed(self) -> None:
        data = chequerboard()
        trained = run_training(data, replace(QUICK, horizon_days=6.0), now=newest(data))
        codes, _ = trained.ranker.recommend(everyone(data), newest(data), k=8)
        self.assertTrue(((codes % 2 == np.arange(data.shoppers.n)[:, None] % 2) | (codes < 0)).all())

    def test_not_below_the_best_baseline(self) -> None:
        _, trained = busy()
        for side in ("ALL", "NEW"):
            best = trained.metrics["best_baseline"][side]
            error = trained.metrics["models"]["deep"][side]["se"]
            self.assertGreater(headline(trained.metrics, "deep", side), headline(trained.metrics, best, side) - error)


class ShapeTest(unittest.TestCase):
    def test_a_log_without_time(self) -> None:
        data = without_time(tastes(n_items=120))
        trained = run_training(data, QUICK, now=0.0)
        best = trained.metrics["best_baseline"]["NEW"]
        self.assertGreaterEqual(headline(trained.metrics, "deep", "NEW"), 0.9 * headline(trained.metrics, best, "NEW"))

    def test_ratings_are_graded_gain(self) -> None:
        data = tastes(n_items=120)
        log = data.interactions
        liked = np.where(log.item % 4 == log.shopper % 4, 5, 1).astype(np.float32)
        rated = replace(data, interactions=replace(log, value=liked), kinds=RATINGS)
        weights = weighing(rated.interactions, RATINGS, {}).of(rated.interactions)
        self.assertAlmostEqual(float(weights[liked == 1].max() / weights[liked == 5].max()), 0.2, places=5)
        trained = run_training(without_time(rated), QUICK, now=0.0)
        codes, _ = trained.ranker.recommend(everyone(without_time(rated)), 0.0, k=5, new_only=True)
        self.assertGreater((codes % 4 == np.arange(data.shoppers.n)[:, None] % 4)[codes >= 0].mean(), 0.8)

    def test_three_events_a_shopper_and_no_attributes(self) -> None:
        data = tastes(n_shoppers=600, n_items=60)
        log = data.interactions
        rank = np.arange(len(log)) - np.searchsorted(log.shopper, log.shopper)
        bare = replace(data.items, attributes={}, texts=None)
        data = replace(data, interactions=log.select(rank % 4 == 0), items=bare)
        trained = run_training(data, QUICK, now=newest(data))
        self.assertTrue(np.isfinite(headline(trained.metrics, "deep")))

    def test_dismissed_items_are_not_shown(self) -> None:
        data, trained = busy()
        codes, _ = trained.ranker.recommend(everyone(data), newest(data), k=20)
        log = data.interactions
        dismissed = log.select(log.kind == data.kinds.code("dismiss"))
        self.assertFalse((codes[dismissed.shopper] == dismissed.item[:, None]).any())

    def test_what_is_not_sellable_or_excluded_is_not_shown(self) -> None:
        data, trained = busy()
        sellable = np.arange(data.items.n) % 2 == 0
        codes, _ = trained.ranker.recommend(
            everyone(data), newest(data), k=10, sellable=sellable, exclude=np.array([0, 2, 4])
        )
        shown = codes[codes >= 0]
        self.assertTrue(sellable[shown].all())
        self.assertFalse(np.isin(shown, [0, 2, 4]).any())

    def test_new_only_leaves_out_what_was_had(self) -> None:
        data, trained = busy()
        codes, _ = trained.ranker.recommend(everyone(data), newest(data), k=10, new_only=True)
        log = data.interactions
        had = log.select(data.kinds.weights[log.kind] > 0)
        self.assertFalse((codes[had.shopper] == had.item[:, None]).any())

    def test_a_shopper_without_events_gets_a_list(self) -> None:
        data, trained = busy()
        nobody = histories(data.interactions.select(np.zeros(0, int)), np.array([0]), data.shoppers.attributes)
        codes, scores = trained.ranker.recommend(nobody, newest(data), k=10)
        self.assertTrue((codes >= 0).all())
        self.assertTrue(np.isfinite(scores).all())


RATINGS = Kinds(("rate",), np.array([3], np.float32), np.array([True]))


class RunTest(unittest.TestCase):
    def test_curves_and_probabilities(self) -> None:
        data, trained = busy()
        for curve in trained.curves.values():
            self.assertEqual(len(curve["loss"]), len(curve["epoch"]))
            self.assertTrue(np.isfinite(curve["validation_loss"]).all())
        _, scores = trained.ranker.recommend(everyone(data), newest(data), k=10)
        chance = trained.ranker.probability(scores)
        self.assertTrue(((chance > 0) & (chance < 1)).all())
        self.assertTrue((np.diff(chance, axis=1) <= 0).all())
        self.assertLess(trained.metrics["models"]["deep"]["calibration"]["error"], 0.05)

    def test_a_run_can_be_repeated(self) -> None:
        data, trained = busy()
        again = run_training(data, QUICK, now=newest(data))
        self.assertAlmostEqual(headline(again.metrics, "deep"), headline(trained.metrics, "deep"), places=4)

    def test_a_warm_start_is_as_good_with_half_the_steps(self) -> None:
        data, trained = busy()
        warm = run_training(data, QUICK, now=newest(data), warm=trained.ranker)
        self.assertGreater(headline(warm.metrics, "deep"), 0.95 * headline(trained.metrics, "deep"))
        first = warm.curves["softmax"]["loss"][0]
        self.assertLess(first, trained.curves["softmax"]["loss"][0])
        self.assertEqual(warm.start, "Warm start from the last weights.")

    def test_weights_of_another_kind_are_left_with_a_plain_sentence(self) -> None:
        data, trained = busy()
        own, now = trained.ranker, newest(data)
        plan = plan_of(data, QUICK, now)
        cases = {
            r"expected layers \[16\], received \[32, 16\]": (replace(QUICK, layers=(16,)), own),
            "expected the same features, received 1 others": (
                QUICK, replace(own, tables=replace(own.tables, static_names=own.tables.static_names[:-1])),
            ),
            "expected weights of textbook, received a model of deep": (replace(QUICK, architecture="textbook"), own),
            "one that has seen the days": (QUICK, replace(own, tables=replace(own.tables, now=now + 1))),
            "made before they were kept": (QUICK, replace(own, earlier=None)),
        }  # fmt: skip
        for words, (config, warm) in cases.items():
            with self.subTest(words):
                self.assertRegex(start_of(warm, own.tables, config, plan, now).words, "^Cold start: .*" + words)
        self.assertIs(start_of(own, own.tables, QUICK, plan, now).final, own.scorer)

    def test_a_rival_is_measured_on_the_same_days(self) -> None:
        data, _ = busy()
        quick = replace(QUICK, steps=10, epochs=1)
        trained = run_training(
            data, quick, now=newest(data), rival=lambda ranker, split: ranked_lists(ranker, split)[0]
        )
        own, other = (trained.metrics["models"][name]["ALL"]["ndcg@10"] for name in ("deep", RIVAL))
        self.assertEqual(own, other)
        self.assertEqual(trained.metrics["paired"]["deep"][RIVAL]["ALL"], {"mean": 0.0, "se": 0.0})
        self.assertNotEqual(trained.metrics["best_baseline"]["ALL"], RIVAL)

    def test_a_few_lists_train_each_network_twice(self) -> None:
        _, trained = busy()
        scorer = trained.ranker.scorer
        assert scorer is not None
        self.assertEqual(len(scorer.networks), 4)
        self.assertEqual(set(trained.curves), {"binary", "softmax"})
        # Each counts half, so that a score is of the size that one pair gives.
        x = np.random.default_rng(0).normal(size=(50, len(scorer.mean))).astype(np.float32)
        pair = Scorer(scorer.mean, scorer.scale, scorer.networks[:2])(x) * 2
        self.assertLess(abs(float(np.log(scorer(x).std() / pair.std()))), 0.4)

    def test_a_run_is_not_its_own_baseline(self) -> None:
        data = tastes(n_shoppers=80)
        metrics = run_training(data, replace(QUICK, architecture="ease", horizon_days=10.0), now=newest(data)).metrics
        self.assertNotIn("ease", metrics["paired"]["ease"])
        self.assertNotIn("ease", metrics["best_baseline"].values())
        # Its figures are those of the lists that would serve: only the ranker's probabilities are calibrated.
        self.assertIn("calibration", metrics["models"]["ease"])

    def test_progress_only_rises(self) -> None:
        told: list[Progress] = []
        data = tastes(n_shoppers=80)
        run_training(data, replace(QUICK, horizon_days=10.0, steps=20), now=newest(data), report=told.append)
        self.assertEqual([p.fraction for p in told], sorted(p.fraction for p in told))
        self.assertEqual({p.step for p in told}, {"read", "features", "train", "measure", "refit", "save"})

    def test_a_run_stops_when_asked(self) -> None:
        data = tastes(n_shoppers=80)
        with self.assertRaises(Stopped):
            run_training(data, QUICK, now=newest(data), stop=lambda: True)

    def test_too_little_data_is_said(self) -> None:
        data = tastes(n_shoppers=10)
        with self.assertRaisesRegex(TooLittleData, "expected at least"):
            run_training(data, QUICK, now=newest(data))
        empty = replace(data, interactions=data.interactions.select(np.zeros(0, int)))
        with self.assertRaises(TooLittleData):
            run_training(empty, QUICK, now=0.0)

    def test_only_what_was_known_counts(self) -> None:
        """Events after ``now`` change nothing."""
        data = busy_shop(n_shoppers=60)
        now = newest(data) - 20
        quick = replace(QUICK, steps=20, horizon_days=12.0)
        log: Interactions = data.interactions
        past = run_training(replace(data, interactions=log.before(now)), quick, now=now)
        whole = run_training(data, quick, now=now)
        self.assertEqual(past.metrics["window"], whole.metrics["window"])
        np.testing.assert_array_equal(past.ranker.tables.static, whole.ranker.tables.static)


class ConfigTest(unittest.TestCase):
    def test_round_trip(self) -> None:
        config = Config(seed=3, layers=(16, 8), kind_weights={"view": 2.0})
        self.assertEqual(Config.from_dict(config.to_dict()), config)

    def test_unknown_setting(self) -> None:
        with self.assertRaisesRegex(UnknownSetting, "received layer"):
            Config.from_dict({"layer": 3})
