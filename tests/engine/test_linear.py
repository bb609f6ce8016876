"""A linear model finds planted weights, scores as it did once exported, and joins the networks where lists are few."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from unittest import mock

import numpy as np

from recommender.engine import fitting, linear
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData, histories
from recommender.engine.progress import Clock
from recommender.engine.sampling import Pool
from recommender.engine.scorer import Network, Scorer
from recommender.engine.train import run_training
from tests.engine.planted import popular
from tests.engine.small import QUICK, newest

#: Of six columns two say something.
PLANTED = np.array([1.5, -1.0, 0, 0, 0, 0], np.float32)
NAMES = tuple(f"column {number}" for number in range(len(PLANTED)))
SHORT = Config(layers=(16, 8), steps=20, epochs=2)


def by_weights(x: np.ndarray) -> np.ndarray:
    return np.asarray(x @ PLANTED)


def by_distance(x: np.ndarray) -> np.ndarray:
    """Far from the middle on either side: no line tells."""
    return 4 * np.abs(x[..., 0])


@cache
def chosen(
    law: Callable[[np.ndarray], np.ndarray] = by_weights, *, seed: int = 1, n_lists: int = 400, rows: int = 40
) -> Pool:
    """Lists of ``rows`` items with one choice each, made by a conditional logit of ``law``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_lists, rows, len(PLANTED))).astype(np.float16)
    best = np.argmax(law(x) + rng.gumbel(size=(n_lists, rows)), axis=1)
    each = np.arange(n_lists)
    x[each, 0], x[each, best] = x[each, best], x[each, 0]  # the positive first
    gain = np.tile(np.arange(rows) == 0, n_lists).astype(np.float32)
    one = np.ones(n_lists, np.int64)
    return Pool(x.reshape(-1, len(PLANTED)), gain, np.ones_like(gain), each * rows, one, one * (rows - 1))


def rows(pool: Pool) -> linear.Rows:
    return linear.lists_of(pool, pool.x[linear.rows_of(pool)].astype(np.float32))


def fitted(*pools: Pool, config: Config = SHORT) -> Scorer:
    clock = Clock(lambda progress: None, lambda: False, {})
    return fitting.fit_scorer(list(pools), NAMES, config, clock, (0.0, 1.0))


def arrays(networks: tuple[Network, ...]) -> list[np.ndarray]:
    return [array for network in networks for operation in network.operations for array in operation.arrays]


class LinearTest(unittest.TestCase):
    def test_planted_weights_are_found(self) -> None:
        found = linear.fit(rows(chosen()), ridge=1e-4)
        np.testing.assert_allclose(found, PLANTED, atol=0.15)

    def test_a_ridge_keeps_the_direction_and_shortens_it(self) -> None:
        found = linear.fit(rows(chosen()))
        self.assertGreater(found @ PLANTED / np.linalg.norm(found) / np.linalg.norm(PLANTED), 0.99)
        self.assertLess(np.linalg.norm(found), np.linalg.norm(PLANTED))

    def test_the_gradient_is_that_of_the_loss(self) -> None:
        lists = rows(chosen().take(np.arange(7)))
        lists = replace(lists, weight=np.random.default_rng(2).uniform(1, 3, len(lists.weight)).astype(np.float32))
        at = np.array([0.3, -0.2, 0.1, 0.5, 0, -0.4])
        _, gradient = linear.loss(at, lists, 0.1)
        for column, slope in enumerate(gradient):
            step = np.eye(len(at))[column] * 1e-2
            rise = linear.loss(at + step, lists, 0.1)[0] - linear.loss(at - step, lists, 0.1)[0]
            self.assertAlmostEqual(rise / 2e-2, slope, places=3)

    def test_the_loss_is_that_of_the_networks(self) -> None:
        from recommender.engine.losses import softmax

        pool = chosen().take(np.arange(5))
        weights = np.array([0.3, -0.2, 0.1, 0.5, 0, -0.4], np.float32)
        lists = rows(pool)
        shape = (5, -1)
        expected = softmax(lists.gain.reshape(shape), (lists.x @ weights).reshape(shape), lists.weight.reshape(shape))
        self.assertAlmostEqual(linear.loss(weights, lists, 0.0)[0], float(np.asarray(expected)), places=5)

    def test_lists_of_any_order_and_length(self) -> None:
        pool = chosen()
        pool = replace(pool, negatives=pool.negatives - np.arange(len(pool)) % 5).take(np.array([9, 2, 4]))
        np.testing.assert_array_equal(
            linear.rows_of(pool), np.concatenate([s + np.arange(40 - s // 40 % 5) for s in (360, 80, 160)])
        )
        self.assertEqual(rows(pool).gain.sum(), 3)

    def test_exported_it_is_one_product_with_the_networks(self) -> None:
        scorer = fitted(chosen())
        self.assertIsNotNone(scorer._stacked)
        x = np.random.default_rng(3).normal(size=(50, len(PLANTED))).astype(np.float32)
        last = scorer.networks[-1]
        weights = last.operations[1].arrays[0][:, 0]
        alone = (scorer.standardised(x) @ weights - last.centre) / last.spread
        others = replace(scorer, networks=scorer.networks[:-1])(x)
        np.testing.assert_allclose(scorer(x), others + alone, atol=1e-4)


class JoinsTest(unittest.TestCase):
    def test_few_lists_have_it_and_many_have_the_networks_alone(self) -> None:
        few = fitted(chosen())
        self.assertEqual([len(network.operations) for network in few.networks[-1:]], [3])
        with mock.patch.object(fitting, "FEW_LISTS", 0):
            many = fitted(chosen())
            with mock.patch.object(linear, "fit", side_effect=AssertionError("nothing linear is fitted")):
                again = fitted(chosen())
        self.assertEqual(len(many.networks), 2)
        for one, other in zip(arrays(many.networks), arrays(again.networks), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_its_share_is_what_the_newest_lists_say(self) -> None:
        longer = replace(SHORT, steps=200)
        shares = []
        for law in (by_weights, by_distance):
            pools = [chosen(law, seed=seed, n_lists=200) for seed in (2, 3)]
            shares.append(fitting._linear_share(pools, NAMES, longer, lambda: False))
        self.assertGreater(shares[0], 1.0)
        self.assertLess(shares[1], 0.3)

    def test_a_single_cut_cannot_say_and_counts_it_like_a_network(self) -> None:
        self.assertEqual(fitting._linear_share([chosen()], NAMES, SHORT, lambda: False), 1.0)

    def test_switched_off_the_networks_are_alone(self) -> None:
        self.assertEqual(len(fitted(chosen(), config=replace(SHORT, linear=False)).networks), 4)

    def test_only_the_architecture_that_has_a_place_for_it_has_it(self) -> None:
        self.assertEqual(len(fitted(chosen(), config=replace(SHORT, architecture="wide_deep")).networks), 4)

    def test_the_unit_of_the_scores_stays(self) -> None:
        few = fitted(chosen())
        x = chosen().x[np.arange(4000)].astype(np.float32)
        whole = few(x).reshape(-1, 40).std(axis=1).mean()
        parts = [replace(few, networks=few.networks[start::2][:2])(x) * 1.5 for start in (0, 1)]
        pair = np.sum(parts, axis=0).reshape(-1, 40).std(axis=1).mean()
        self.assertAlmostEqual(float(whole / pair), 1, delta=0.3)

    def test_where_popularity_alone_tells_its_law_is_nearer(self) -> None:
        data, chance = popular()
        ranker = run_training(data, replace(QUICK, linear=True), now=newest(data)).ranker
        assert ranker.scorer is not None
        alone = replace(ranker, scorer=replace(ranker.scorer, networks=ranker.scorer.networks[:-1]))
        reached = [share_of_best(data, chance, one.recommend(everyone(data), newest(data), k=10, new_only=True)[0])
                   for one in (alone, ranker)]  # fmt: skip
        self.assertGreater(reached[1], reached[0] + 0.01)
        self.assertGreater(reached[1], 0.9)


def everyone(data: ShopData):  # type: ignore[no-untyped-def]
    return histories(data.interactions, np.arange(data.shoppers.n), data.shoppers.attributes)


def share_of_best(data: ShopData, chance: np.ndarray, codes: np.ndarray) -> float:
    """What the lists' new items are drawn with, of what the best lists of new items would be."""
    left = np.tile(chance, (len(codes), 1))
    left[data.interactions.shopper, data.interactions.item] = 0
    best = -np.sort(-left, axis=1)[:, : codes.shape[1]].sum()
    return float(np.take_along_axis(left, codes.astype(np.int64), 1).sum() / best)
