from __future__ import annotations

import json
from dataclasses import replace
from unittest import TestCase

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from recommender.engine import evaluate, lists, splits
from recommender.engine.config import Config
from recommender.engine.interactions import Codes, Histories, Kinds
from tests.engine import planted


class Fixed:
    """Scores given in advance."""

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        return np.broadcast_to(self.scores, (len(histories), self.scores.shape[-1]))


def areas(shown: lists.Lists) -> np.ndarray:
    return np.full(0, np.nan) if shown.auc is None else shown.auc


def small() -> splits.Split:
    """Shopper 0 had items 0, 1 and takes 1, 2 later; shopper 1 had 3 and takes 3 later; shopper 2
    comes only later."""
    log = planted.events(
        np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 2, 3, 3, 0]), np.array([1, 2, 11, 12, 3, 13, 14])
    )
    return splits.split_at(planted.shop(log, 3, 5), 10, 20)


class SplitTest(TestCase):
    def test_time_split_keeps_known_and_truth_apart(self) -> None:
        split = small()
        self.assertEqual(split.known.interactions.at.max(), 3)
        assert_array_equal(split.shoppers, [0, 1])
        assert_array_equal(split.truth.items, [1, 2, 3])
        assert_array_equal(split.seen, [True, False, True])
        assert_array_equal(split.unseen.items, [2])

    def test_only_target_kinds_are_truth(self) -> None:
        kinds = Kinds(("view", "purchase"), np.array([1, 5], np.float32), np.array([False, True]))
        split = small()
        data = replace(
            split.known, kinds=kinds, interactions=planted.events(np.zeros(2), np.arange(2), np.array([1, 5]))
        )
        self.assertEqual(len(splits.split_at(data, 3, 9).shoppers), 0)

    def test_folds_hide_whole_pairs_and_cover_each_once(self) -> None:
        data = planted.chequerboard()
        hidden = []
        for fold in range(5):
            split = splits.split_fold(data, np.random.default_rng(0), fold=fold)
            self.assertFalse(split.seen.any())
            hidden.append(len(data.interactions) - len(split.known.interactions))
        self.assertEqual(sum(hidden), len(data.interactions))
        self.assertLess(max(hidden) / min(hidden), 1.3)


class ListsTest(TestCase):
    def test_new_lists_leave_out_what_was_had(self) -> None:
        shown = lists.lists_of(Fixed(np.array([5.0, 4, 3, 2, 1])), small(), k=3)
        assert_array_equal(shown.all, [[0, 1, 2], [0, 1, 2]])
        assert_array_equal(shown.new, [[2, 3, 4], [0, 1, 2]])

    def test_no_opinion_is_filled_by_popularity(self) -> None:
        shown = lists.lists_of(Fixed(np.array([-np.inf, -np.inf, 1, -np.inf, -np.inf])), small(), k=3)
        assert_array_equal(shown.all, [[2, 0, 1], [2, 0, 1]])
        assert_array_equal(shown.new, [[2, 3, 4], [2, 0, 1]])

    def test_what_was_dismissed_is_on_no_list(self) -> None:
        split = small()
        kinds = Kinds(("purchase", "dismiss"), np.array([5, -1], np.float32), np.array([True, False]))
        events = split.known.interactions
        dismissal = replace(events, kind=(np.arange(len(events)) == 1).astype(np.int8))
        split = replace(split, known=replace(split.known, kinds=kinds, interactions=dismissal))
        item = int(events.item[1])
        for scores in (np.array([1.0, 5, 4, 3, 2]), np.array([-np.inf, -np.inf, 1, -np.inf, -np.inf])):
            shown = lists.lists_of(Fixed(scores), split, k=5)
            self.assertNotIn(item, shown.all[0])
            self.assertNotIn(item, shown.new[0])
            self.assertIn(item, shown.all[1])

    def test_list_longer_than_the_catalogue_is_padded(self) -> None:
        shown = lists.lists_of(Fixed(np.arange(5.0)), small(), k=7)
        assert_array_equal(shown.all[0], [4, 3, 2, 1, 0, -1, -1])

    def test_batches_give_the_same_lists(self) -> None:
        split = splits.split_at(planted.tastes(), 40, 60)
        model = Fixed(np.random.default_rng(0).random(60))
        whole, cells = lists.lists_of(model, split), lists.CELLS
        lists.CELLS = 60 * 7
        try:
            parts = lists.lists_of(model, split)
        finally:
            lists.CELLS = cells
        assert_array_equal(whole.new, parts.new)
        assert_allclose(areas(whole), areas(parts))

    def test_auc_of_a_perfect_and_a_reversed_model(self) -> None:
        split = small()
        best = np.array([0, 3, 2, 3, 0])
        self.assertGreater(areas(lists.lists_of(Fixed(best), split))[1], 0.8)
        self.assertLess(areas(lists.lists_of(Fixed(-best), split))[1], 0.2)


class MeasureTest(TestCase):
    def test_all_and_new_by_hand(self) -> None:
        shown = lists.Lists(np.array([[1, 2], [0, 3]]), np.array([[2, 4], [0, 1]]))
        measured = evaluate.measure({"m": shown}, small())
        half = 1 / np.log2(3)
        self.assertAlmostEqual(measured.models["m"]["ALL"]["ndcg@10"], (1 + half) / 2)
        self.assertEqual(measured.models["m"]["NEW"]["ndcg@10"], 1)
        self.assertEqual(measured.models["m"]["NEW"]["shoppers"], 1)
        self.assertEqual(measured.models["m"]["coverage@10"], 4 / 5)

    def test_paired_difference_is_sharper_than_two_means(self) -> None:
        split = splits.split_at(planted.tastes(), 40, 60)
        found = evaluate.baseline_lists(
            split, Config(), np.random.default_rng(0), names=["ease", "item_knn_tfidf", "popularity"]
        )
        measured = evaluate.measure(found, split)
        difference = measured.paired["ease"]["popularity"]["NEW"]
        means = [measured.models[name]["NEW"]["ndcg@10"] for name in ("ease", "popularity")]
        self.assertAlmostEqual(difference["mean"], means[0] - means[1])
        self.assertGreater(difference["mean"], 4 * difference["se"])
        self.assertIn(measured.best_baseline["NEW"], ("ease", "item_knn_tfidf"))

    def test_is_json_with_nothing_infinite(self) -> None:
        shown = lists.Lists(np.full((2, 2), -1), np.full((2, 2), -1))
        text = json.dumps(evaluate.measure({"m": shown}, small()).to_dict(), allow_nan=False)
        self.assertEqual(json.loads(text)["models"]["m"]["ALL"]["ndcg@10"], 0)

    def test_slices_by_segment_history_and_category(self) -> None:
        data = planted.tastes()
        ages = Codes((np.arange(240) % 3).astype(np.int32) - 1, ("young", "old"))
        data = replace(data, shoppers=replace(data.shoppers, attributes={"age": ages}))
        split = splits.split_at(data, 40, 60)
        found = evaluate.baseline_lists(split, Config(), np.random.default_rng(0), names=["popularity"])
        table = evaluate.measure(found, split).slices["popularity"]
        self.assertEqual(set(table["age"]), {"young", "old", "unknown"})
        self.assertEqual(sum(row["shoppers"] for row in table["age"].values()), len(split.shoppers))
        self.assertEqual(set(table["category"]), {f"taste {taste}" for taste in range(4)})
        self.assertLessEqual(sum(row["shoppers"] for row in table["history"].values()), len(split.shoppers))

    def test_groups_are_compared_shopper_by_shopper(self) -> None:
        data = planted.tastes()
        ages = Codes((np.arange(240) % 3).astype(np.int32) - 1, ("young", "old"))
        data = replace(data, shoppers=replace(data.shoppers, attributes={"age": ages}))
        split = splits.split_at(data, 40, 60)
        found = evaluate.baseline_lists(split, Config(), np.random.default_rng(0), names=["popularity", "ease"])
        found = {"deep": found["ease"], "serving": found["popularity"], "popularity": found["popularity"]}
        measured = evaluate.measure(found, split, rivals=("serving",))
        self.assertEqual(
            {name: set(table) for name, table in measured.paired_slices.items()}, {"deep": {"serving", "popularity"}}
        )
        group = measured.paired_slices["deep"]["serving"]["age"]["young"]
        mine = ages.codes[split.shoppers] == 0
        values = (measured.per_shopper[name]["ALL ndcg@10"][mine] for name in ("deep", "serving"))
        ours, theirs = values
        self.assertEqual(group["shoppers"], int(mine.sum()))
        self.assertAlmostEqual(group["mean"], float((ours - theirs).mean()))
        self.assertAlmostEqual(group["se"], float((ours - theirs).std(ddof=1) / np.sqrt(mine.sum())))
        self.assertAlmostEqual(group["reference"], measured.slices["serving"]["age"]["young"]["ALL"])

    def test_probabilities_are_measured_where_given(self) -> None:
        shown = lists.Lists(np.array([[1, 2], [0, 3]]), np.array([[2, 4], [0, 1]]))
        pairs = evaluate.Pairs(np.array([0.9, 0.1, 0.8]), np.array([True, False, True]))
        table = evaluate.measure({"m": shown}, small(), probabilities={"m": pairs}).models["m"]
        self.assertEqual(table["pair_auc"], 1)
        self.assertAlmostEqual(table["calibration"]["error"], (0.1 + 0.1 + 0.2) / 3)


class RollingOriginTest(TestCase):
    def test_windows_follow_each_other_and_pool(self) -> None:
        data = planted.tastes()
        rolled = evaluate.rolling_origin(data, Config(horizon_days=10), windows=3, names=["popularity", "ease"])
        self.assertEqual([window.window["end"] - window.window["start"] for window in rolled.windows], [10] * 3)
        starts = [window.window["start"] for window in rolled.windows]
        self.assertEqual(np.diff(starts).tolist(), [10, 10])
        pooled = rolled.pooled["models"]["ease"]["NEW"]
        sizes = [window.models["ease"]["NEW"]["shoppers"] for window in rolled.windows]
        means = [window.models["ease"]["NEW"]["ndcg@10"] for window in rolled.windows]
        self.assertEqual(pooled["shoppers"], sum(sizes))
        self.assertAlmostEqual(pooled["ndcg@10"], float(np.average(means, weights=sizes)))
        self.assertGreater(rolled.pooled["paired"]["ease"]["popularity"]["NEW"]["mean"], 0)

    def test_log_without_time_is_folded(self) -> None:
        data = planted.tastes()
        log = replace(data.interactions, at=np.zeros(len(data.interactions)))
        rolled = evaluate.rolling_origin(replace(data, interactions=log), Config(), windows=2, names=["ease"])
        self.assertEqual(len(rolled.windows), 2)
        self.assertGreater(rolled.pooled["models"]["ease"]["NEW"]["ndcg@10"], 0.1)
