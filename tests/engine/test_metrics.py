from __future__ import annotations

from itertools import pairwise
from unittest import TestCase

import numpy as np
from numpy.testing import assert_allclose
from sklearn import metrics as sklearn_metrics

from recommender.engine import metrics


def truth(*rows: dict[int, float], n_items: int = 10) -> metrics.Truth:
    shoppers = [row for row, items in enumerate(rows) for _ in items]
    items = [item for row in rows for item in row]
    gains = [gain for row in rows for gain in row.values()]
    return metrics.truth_from_pairs(np.array(shoppers), np.array(items), np.array(gains), len(rows), n_items)


class RankingTest(TestCase):
    """Two shoppers worked out by hand; the third has nothing to be found."""

    def setUp(self) -> None:
        self.truth = truth({3: 1, 7: 1, 8: 1}, {0: 1}, {})
        self.lists = np.array([[3, 1, 7, 2], [5, 6, 0, -1], [1, 2, 3, 4]])
        self.gains = metrics.gains_of(self.lists, self.truth)

    def test_gains_are_found_by_shopper(self) -> None:
        assert_allclose(self.gains, [[1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]])

    def test_ndcg(self) -> None:
        ideal = 1 + 1 / np.log2(3) + 1 / 2
        assert_allclose(metrics.ndcg_at(self.gains, self.truth, 4), [1.5 / ideal, 0.5, np.nan])

    def test_ideal_list_is_cut_too(self) -> None:
        lists = np.array([[3, 7], [0, 1], [0, 1]])
        ndcg = metrics.ndcg_at(metrics.gains_of(lists, self.truth), self.truth, 2)
        assert_allclose(ndcg, [1, 1, np.nan])

    def test_recall_precision_and_hit_rate(self) -> None:
        assert_allclose(metrics.recall_at(self.gains, self.truth, 4), [2 / 3, 1, np.nan])
        assert_allclose(metrics.precision_at(self.gains, self.truth, 4), [0.5, 0.25, np.nan])
        assert_allclose(metrics.hit_rate_at(self.gains, self.truth, 2), [1, 0, np.nan])

    def test_average_precision_and_reciprocal_rank(self) -> None:
        assert_allclose(metrics.average_precision_at(self.gains, self.truth, 4), [(1 + 2 / 3) / 3, 1 / 3, np.nan])
        assert_allclose(metrics.reciprocal_rank_at(self.gains, self.truth, 4), [1, 1 / 3, np.nan])

    def test_average_precision_of_a_full_ranking_is_sklearns(self) -> None:
        rng = np.random.default_rng(0)
        scores, labels = rng.random(10), rng.random(10) < 0.4
        known = truth({int(item): 1.0 for item in np.flatnonzero(labels)})
        gains = metrics.gains_of(np.argsort(-scores)[None, :], known)
        expected = sklearn_metrics.average_precision_score(labels, scores)
        assert_allclose(metrics.average_precision_at(gains, known, 10), [expected])

    def test_graded_ndcg_is_sklearns(self) -> None:
        rng = np.random.default_rng(1)
        grades, scores = rng.integers(0, 6, 10), rng.random(10)
        known = truth({item: float(grade) for item, grade in enumerate(grades) if grade})
        gains = metrics.gains_of(np.argsort(-scores)[None, :], known)
        expected = sklearn_metrics.ndcg_score([2.0**grades - 1], [scores], k=5)
        assert_allclose(metrics.ndcg_at(gains, known, 5, graded=True), [expected])

    def test_pad_is_never_a_hit(self) -> None:
        known = truth({9: 1}, {0: 1})
        assert_allclose(metrics.gains_of(np.array([[-1], [-1]]), known), 0)

    def test_repeated_pair_counts_once_with_its_largest_gain(self) -> None:
        known = metrics.truth_from_pairs(np.array([0, 0]), np.array([4, 4]), np.array([2, 5]), 1, 10)
        self.assertEqual((known.items.tolist(), known.gains.tolist()), ([4], [5]))

    def test_lists_of_other_shoppers_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "expected lists of 3 shoppers, received 2"):
            metrics.gains_of(self.lists[:2], self.truth)

    def test_mean_and_error_skip_the_undefined(self) -> None:
        mean, error = metrics.mean_and_error(np.array([1.0, 3.0, np.nan]))
        self.assertEqual(mean, 2)
        self.assertAlmostEqual(error, np.sqrt(2) / np.sqrt(2))


class ProbabilityTest(TestCase):
    def setUp(self) -> None:
        rng = np.random.default_rng(2)
        self.probability = np.round(rng.random(500), 2)
        self.labels = rng.random(500) < self.probability

    def test_auc_and_log_loss_are_sklearns(self) -> None:
        self.assertAlmostEqual(
            metrics.auc(self.probability, self.labels), sklearn_metrics.roc_auc_score(self.labels, self.probability)
        )
        self.assertAlmostEqual(
            metrics.log_loss(self.probability, self.labels),
            sklearn_metrics.log_loss(self.labels, np.clip(self.probability, 1e-7, 1 - 1e-7)),
        )

    def test_auc_of_one_class_is_undefined(self) -> None:
        self.assertTrue(np.isnan(metrics.auc(self.probability, np.ones(500, bool))))

    def test_auc_per_shopper_is_the_auc_of_each(self) -> None:
        offsets = np.array([0, 40, 300, 300, 500])
        areas = metrics.auc_per_shopper(self.probability, self.labels, offsets)
        for row, (start, end) in enumerate(pairwise(offsets)):
            expected = metrics.auc(self.probability[start:end], self.labels[start:end])
            assert_allclose(areas[row], expected)

    def test_no_opinion_ties_with_no_opinion(self) -> None:
        areas = metrics.auc_per_shopper(np.full(4, -np.inf), np.array([1, 0, 0, 1]), np.array([0, 4]))
        assert_allclose(areas, [0.5])

    def test_calibration_by_hand(self) -> None:
        bins = metrics.calibration(np.array([0.1, 0.3, 0.9, 1.0]), np.array([0, 1, 1, 1]), bins=2)
        assert_allclose(bins.predicted, [0.2, 0.95])
        assert_allclose(bins.observed, [0.5, 1])
        self.assertEqual(bins.counts.tolist(), [2, 2])
        self.assertAlmostEqual(bins.error, (2 * 0.3 + 2 * 0.05) / 4)

    def test_honest_probabilities_are_nearly_calibrated(self) -> None:
        self.assertLess(metrics.calibration(self.probability, self.labels).error, 0.08)


class CatalogueTest(TestCase):
    def setUp(self) -> None:
        self.lists = np.array([[0, 1, 2], [0, 1, -1]])

    def test_coverage_counts_distinct_items(self) -> None:
        self.assertEqual(metrics.coverage(self.lists, 6), 0.5)

    def test_gini_of_even_and_single_exposure(self) -> None:
        self.assertAlmostEqual(metrics.gini(np.array([5, 5, 5, 5])), 0)
        self.assertAlmostEqual(metrics.gini(np.array([0, 0, 0, 8])), 0.75)
        self.assertTrue(np.isnan(metrics.gini(np.zeros(3))))

    def test_novelty_is_bits_of_surprise(self) -> None:
        assert_allclose(metrics.novelty(self.lists, np.array([3, 1, 0]), 3), [(0 + 1 + 2) / 3, 0.5])

    def test_popularity_shown(self) -> None:
        buyers = np.array([30, 10, 2])
        assert_allclose(metrics.popularity_shown(self.lists, buyers), [14, 20])
        self.assertEqual(metrics.median_buyers(self.lists, buyers), 10)

    def test_diversity_is_the_share_of_unlike_pairs(self) -> None:
        categories = np.array([4, 4, 5])
        assert_allclose(metrics.diversity(self.lists, categories), [2 / 3, 0])
        assert_allclose(metrics.distinct_categories(self.lists, categories), [2, 1])

    def test_items_without_a_category_are_left_out(self) -> None:
        assert_allclose(metrics.diversity(self.lists, np.array([4, -1, -1])), [np.nan, np.nan])
        assert_allclose(metrics.distinct_categories(self.lists, np.array([4, -1, -1])), [1, 1])
