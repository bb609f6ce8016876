"""The same shopper scores the same through training's, the batch's and the live request's door."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np

from recommender.engine import features, sampling, tables
from recommender.engine.interactions import Histories, histories
from recommender.engine.profile import fold
from recommender.engine.scorebook import Scorebook
from tests.engine.small import QUICK, busy, newest


class ThreeDoorsTest(unittest.TestCase):
    def test_one_score_through_three_doors(self) -> None:
        data, trained = busy()
        ranker, now = trained.ranker, newest(data)
        shoppers = np.arange(0, data.shoppers.n, 7)
        batch = histories(data.interactions, shoppers, data.shoppers.attributes)
        offsets, items = ranker.candidates(batch, now, size=1000)
        in_batch = ranker.score(batch, offsets, items, now)
        # live: one shopper a call
        live = []
        for row, shopper in enumerate(shoppers):
            one = histories(data.interactions, np.array([shopper]), data.shoppers.attributes)
            part = items[offsets[row] : offsets[row + 1]]
            live.append(ranker.score(one, np.array([0, len(part)]), part, now))
        np.testing.assert_allclose(np.concatenate(live), in_batch, atol=2e-4)
        # training: the rows of the sampled pool, found again in the batch's features
        later = sampling.Truth(
            np.sort(
                shoppers[np.repeat(np.arange(len(shoppers)), np.diff(offsets))].astype(np.int64) * data.items.n + items
            )[::5],
            np.ones(len(items[::5]), np.float32),
            data.items.n,
        )
        pool = sampling.draw(
            ranker.tables, batch, shoppers, later, QUICK, np.random.default_rng(0), sampling.NOTHING_PASSED
        )
        whole = features.features(ranker.tables, batch, offsets, items, ranker.tables.now)
        known = {row.tobytes() for row in whole.astype(np.float16)}
        same = sum(row.tobytes() in known for row in pool.x)
        self.assertEqual(same, len(pool.x))

    def test_order_and_company_of_candidates_do_not_matter(self) -> None:
        data, trained = busy()
        now = newest(data)
        one = histories(data.interactions, np.array([5]), data.shoppers.attributes)
        offsets, items = trained.ranker.candidates(one, now, size=60)
        scores = trained.ranker.score(one, offsets, items, now)
        some = np.array([7, 3, 11])
        part = trained.ranker.score(one, np.array([0, 3]), items[some], now)
        np.testing.assert_allclose(part, scores[some], atol=2e-4)

    def test_names_and_groups_cover_the_columns(self) -> None:
        data, trained = busy()
        ranker = trained.ranker
        one = histories(data.interactions, np.array([5]), data.shoppers.attributes)
        x = ranker.features(one, np.array([0, 4]), np.arange(4), newest(data))
        self.assertEqual(x.shape, (4, len(ranker.feature_names)))
        self.assertEqual(len(set(ranker.feature_names)), len(ranker.feature_names))
        together = np.concatenate(list(ranker.feature_groups.values()))
        np.testing.assert_array_equal(np.sort(together), np.arange(len(ranker.feature_names)))

    def test_every_cut_has_the_same_columns(self) -> None:
        """However little a cut knows: three shoppers' days or the whole log."""
        data, _ = busy()
        telling = tables.telling_attributes(data, newest(data), QUICK)
        whole = tables.fit(data, newest(data), QUICK, telling)
        few = replace(data, interactions=data.interactions.before(17_006.0))
        early = tables.fit(few, 17_006.0, QUICK, telling)
        self.assertEqual(features.names(early), features.names(whole))

    def test_known_values(self) -> None:
        """Two purchases of an item ten days apart, the last one five days ago."""
        data, trained = busy()
        fitted = trained.ranker.tables
        log = data.interactions.select(np.array([0, 0]))
        log = type(log)(*(getattr(log, name).copy() for name in log.__dataclass_fields__))
        log.item[:], log.kind[:], log.shopper[:], log.at[:] = 9, 2, 0, (100.0, 110.0)
        history = Histories(np.array([0, 2]), log, {"age": np.array([-1])})
        x = features.features(fitted, history, np.array([0, 2]), np.array([9, 10]), 115.0)
        value = dict(zip(features.names(fitted), np.expm1(x[0]), strict=True))
        self.assertAlmostEqual(value["own_count"], 2, places=4)
        self.assertAlmostEqual(value["own_days"], 2, places=4)
        self.assertAlmostEqual(value["own_since"], 5, places=4)
        self.assertAlmostEqual(value["own_gap"], 10, places=3)
        self.assertAlmostEqual(value["own_first"], 15, places=4)
        weight = fitted.weigh.kinds[2]
        self.assertAlmostEqual(value["own_20d"], weight * (np.exp(-5 / 20) + np.exp(-15 / 20)), places=3)
        never = dict(zip(features.names(fitted), x[1], strict=True))
        self.assertEqual(never["own_count"], 0)

    def test_chunks_of_any_size_fold_alike(self) -> None:
        data, trained = busy()
        fitted, now = trained.ranker.tables, newest(data)
        many = histories(data.interactions, np.arange(50), data.shoppers.attributes)
        profile = fold(many, now, fitted.weigh, fitted.n)
        scores = Scorebook(fitted, profile).model("cosine")
        one = histories(data.interactions, np.array([31]), data.shoppers.attributes)
        alone = Scorebook(fitted, fold(one, now, fitted.weigh, fitted.n)).model("cosine")
        np.testing.assert_allclose(alone[0], scores[31], atol=1e-5)
