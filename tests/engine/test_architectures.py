from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import TestCase

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from recommender.engine import architectures
from recommender.engine.architectures import als, content, counts, ease, hybrid, item_knn, own_history, popularity
from recommender.engine.config import Config
from recommender.engine.interactions import Items, Kinds, ShopData, histories
from recommender.engine.lists import Lists, lists_of
from recommender.engine.splits import split_at
from tests.engine import planted

CLASSICAL = {"item_knn": item_knn, "als": als, "ease": ease, "content": content, "hybrid": hybrid}


def fit(module: Any, data: ShopData, now: float, **settings: object) -> Any:
    return module.fit(data, now, Config(), np.random.default_rng(0), **settings)


def share_of_own_colour(module: object, *, k: int = 8) -> float:
    """Of the first ``k`` places on the chequerboard, the share on the shopper's own colour."""
    data = planted.chequerboard()
    shoppers = np.arange(data.shoppers.n)
    scores = fit(module, data, 40.0).score_all(histories(data.interactions, shoppers, {}), 40.0)
    best = np.argsort(-scores, axis=1)[:, :k]
    return float((best % 2 == shoppers[:, None] % 2).mean())


def new_lists(module: object) -> tuple[Lists, np.ndarray]:
    """Lists of unseen items on the planted tastes, and the shoppers they are for."""
    data = planted.tastes()
    split = split_at(data, 45, 60)
    return lists_of(fit(module, split.known, 45.0), split, k=3), split.shoppers


def share_of_own_taste(module: object) -> float:
    shown, shoppers = new_lists(module)
    return float((shown.new % 4 == shoppers[:, None] % 4).mean())


class ChequerboardTest(TestCase):
    def test_nobody_is_sent_across_colours(self) -> None:
        for name, module in CLASSICAL.items():
            with self.subTest(name):
                self.assertGreater(share_of_own_colour(module), 0.97)

    def test_every_weighting_of_item_knn(self) -> None:
        data = planted.chequerboard()
        batch = histories(data.interactions, np.arange(80), {})
        for weighting in ("cosine", "tfidf", "bm25"):
            scores = fit(item_knn, data, 40.0, weighting=weighting).score_all(batch, 40.0)
            row, item = np.nonzero(np.isfinite(scores))
            with self.subTest(weighting):
                assert_array_equal(row % 2, item % 2)

    def test_own_history_scores_own_colour_only(self) -> None:
        data = planted.chequerboard()
        scores = fit(own_history, data, 40.0).score_all(histories(data.interactions, np.arange(80), {}), 40.0)
        row, item = np.nonzero(np.isfinite(scores))
        assert_array_equal(row % 2, item % 2)

    def test_popularity_cannot_tell_the_colours(self) -> None:
        self.assertAlmostEqual(share_of_own_colour(popularity), 0.5, delta=0.1)


class TasteTest(TestCase):
    def test_unseen_items_are_of_the_own_taste(self) -> None:
        for name, module in CLASSICAL.items():
            with self.subTest(name):
                self.assertGreater(share_of_own_taste(module), 0.85)

    def test_popularity_is_the_chance_level(self) -> None:
        self.assertLess(share_of_own_taste(popularity), 0.4)


class PopularityTest(TestCase):
    def setUp(self) -> None:
        log = planted.events(np.array([0, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 1]), np.array([1, 2, 3, 50, 51]))
        self.data = planted.shop(log, 5, 3)

    def scores(self, **settings: object) -> list[float]:
        batch = histories(self.data.interactions, np.array([4]), {})
        return fit(popularity, self.data, 60.0, **settings).score_all(batch, 60.0)[0].tolist()

    def test_counts_the_last_days_only(self) -> None:
        self.assertEqual(self.scores(days=28), [0, 2, 0])
        self.assertEqual(self.scores(days=None), [3, 2, 0])

    def test_silent_window_counts_everything(self) -> None:
        self.assertEqual(self.scores(days=5), [3, 2, 0])


class OwnHistoryTest(TestCase):
    def scores(self, reading: str, days: float = 60.0) -> np.ndarray:
        """Item 0 thrice long ago, item 1 once lately, item 2 by somebody else."""
        log = planted.events(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 2]), np.array([1, 5, 9, 99, 50]))
        data = planted.shop(log, 2, 4)
        model = fit(own_history, data, 100.0, reading=reading, days=days)
        return model.score_all(histories(log, np.array([0]), {}), 100.0)[0]

    def test_decay_is_the_log_of_the_decayed_count(self) -> None:
        expected = np.log(np.exp(-99 / 20) + np.exp(-95 / 20) + np.exp(-91 / 20))
        assert_allclose(self.scores("decay", 20), [expected, -1 / 20, -np.inf, -np.inf], rtol=1e-5)

    def test_short_decay_prefers_the_recent_and_days_the_frequent(self) -> None:
        self.assertGreater(self.scores("decay", 4)[1], self.scores("decay", 4)[0])
        self.assertGreater(self.scores("days")[0], self.scores("days")[1])

    def test_a_year_at_four_days_keeps_its_order(self) -> None:
        log = planted.events(np.zeros(2), np.arange(2), np.array([0, 1]))
        model = fit(own_history, planted.shop(log, 1, 2), 400.0, reading="decay", days=4.0)
        old, newer = model.score_all(histories(log, np.array([0]), {}), 400.0)[0]
        self.assertGreater(newer, old)

    def test_steady_rebuying_beats_one_purchase_by_rate(self) -> None:
        log = planted.events(np.array([0] * 10 + [0]), np.array([0] * 10 + [1]), np.array([*range(0, 100, 10), 92]))
        model = fit(own_history, planted.shop(log, 1, 2), 100.0, reading="rate")
        steady, once = model.score_all(histories(log, np.array([0]), {}), 100.0)[0]
        self.assertGreater(steady, once)


class CountsTest(TestCase):
    kinds = Kinds(("impression", "view", "purchase", "rate"), np.array([0, 1, 5, 5], np.float32), np.ones(4, bool))

    def test_weights_are_relative_and_ratings_count_by_value(self) -> None:
        log = planted.events(np.zeros(5), np.arange(5), np.arange(5), value=np.array([np.nan, np.nan, np.nan, 4, 2]))
        log = replace(log, kind=np.array([0, 1, 2, 3, 3], np.int8))
        assert_allclose(counts.event_weights(log, self.kinds), [0, 0.2, 1, 1, 0.5])

    def test_days_are_counted_once_and_impressions_never(self) -> None:
        log = planted.events(np.zeros(4), np.zeros(4), np.array([1.1, 1.9, 2.5, 3]))
        log = replace(log, kind=np.array([2, 2, 1, 0], np.int8))
        self.assertEqual(counts.day_matrix(log, self.kinds, 1, 1).toarray().tolist(), [[2]])


class FoldInTest(TestCase):
    def test_als_folds_a_shopper_in_as_it_was_trained(self) -> None:
        data = planted.tastes()
        model = fit(als, data, 60.0, factors=8, iterations=60)
        first = model.score_all(histories(data.interactions, np.arange(8), {}), 60.0)
        best = first.argmax(1)
        assert_array_equal(best % 4, np.arange(8) % 4)

    def test_shopper_without_events_has_a_defined_answer(self) -> None:
        data = planted.tastes()
        empty = histories(data.interactions.select(np.zeros(0, np.int64)), np.arange(2), {})
        for name, module in {**CLASSICAL, "own_history": own_history, "popularity": popularity}.items():
            with self.subTest(name):
                scores = fit(module, data, 60.0).score_all(empty, 60.0)
                self.assertEqual(scores.shape, (2, 60))
                self.assertFalse(np.isnan(scores).any())


class EASETest(TestCase):
    def test_weights_are_the_closed_form(self) -> None:
        data = planted.tastes(n_shoppers=30, n_items=20)
        model = fit(ease, data, 60.0, regularisation=10.0)
        x = np.log2(1 + counts.count_matrix(data.interactions, data.kinds, 30, 20).toarray().astype(np.float64))
        inverse = np.linalg.inv(x.T @ x + 10 * np.eye(20))
        expected = -inverse / np.diag(inverse)
        np.fill_diagonal(expected, 0)
        assert_allclose(model.weights, expected, atol=1e-4)

    def test_cap_keeps_the_items_with_most_shoppers(self) -> None:
        log = planted.events(np.array([0, 1, 2, 0, 1, 0]), np.array([2, 2, 2, 0, 0, 1]), np.arange(6.0))
        model = fit(ease, planted.shop(log, 3, 3), 9.0, cap=2)
        assert_array_equal(model.items, [0, 2])
        self.assertEqual(model.score_all(histories(log, np.array([0]), {}), 9.0)[0, 1], -np.inf)


class ContentTest(TestCase):
    def test_item_that_nobody_bought_is_found_by_its_words(self) -> None:
        texts = ("red wine bottle", "red wine glass", "garden hose", "garden rake", "red wine box")
        log = planted.events(np.array([0, 1]), np.array([0, 2]), np.array([1, 2]))
        items = Items(5, np.full(5, np.nan, np.float32), np.ones(5, bool), texts=texts)
        data = replace(planted.shop(log, 2, 5), items=items)
        scores = fit(content, data, 3.0).score_all(histories(log, np.array([0]), {}), 3.0)[0]
        self.assertGreater(scores[4], 0)
        assert_array_equal(scores[2:4], -np.inf)

    def test_catalogue_of_which_nothing_is_known_has_no_opinion(self) -> None:
        log = planted.events(np.array([0]), np.array([0]), np.array([1]))
        scores = fit(content, planted.shop(log, 1, 3), 3.0).score_all(histories(log, np.array([0]), {}), 3.0)
        assert_array_equal(scores, -np.inf)

    def test_prices_make_bands(self) -> None:
        bands = content.price_bands(np.array([1, 2, 3, 4, np.nan, 100, 200, 300, 400], np.float32))
        self.assertEqual(bands.codes[4], -1)
        assert_array_equal(np.diff(bands.codes[[0, 1, 2, 3, 5, 6, 7, 8]]) >= 0, True)


class HybridTest(TestCase):
    def test_weights_follow_the_planted_truth(self) -> None:
        """Where everybody rebuys the same thing, own history must outweigh what cannot know it."""
        shopper, at = np.repeat(np.arange(60), 20), np.tile(np.arange(20) * 3.0, 60)
        item = (shopper * 7) % 40
        model = fit(hybrid, planted.shop(planted.events(shopper, item, at), 60, 40), 60.0)
        batch = histories(planted.events(shopper, item, at), np.arange(60), {})
        assert_array_equal(model.score_all(batch, 60.0).argmax(1), (np.arange(60) * 7) % 40)

    def test_untimed_log_is_validated_on_a_fold(self) -> None:
        data = planted.tastes()
        data = replace(data, interactions=replace(data.interactions, at=np.zeros(len(data.interactions))))
        model = fit(hybrid, data, 0.0)
        scores = model.score_all(histories(data.interactions, np.arange(240), {}), 0.0)
        self.assertGreater((scores.argmax(1) % 4 == np.arange(240) % 4).mean(), 0.9)


class RegistryTest(TestCase):
    def test_every_name_offers_its_family(self) -> None:
        for name in architectures.NETWORKS:
            self.assertTrue(callable(architectures.architecture(name).build), name)
        for name in architectures.LISTS:
            self.assertTrue(callable(architectures.architecture(name).fit), name)

    def test_unknown_name_is_refused(self) -> None:
        with self.assertRaisesRegex(architectures.UnknownArchitecture, "received 'magic'"):
            architectures.architecture("magic")
