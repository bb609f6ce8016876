from __future__ import annotations

import json
from dataclasses import replace
from unittest import TestCase

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from recommender.engine import impute, impute_effect
from recommender.engine.interactions import Codes, ShopData
from tests.engine import planted

NAN = np.nan


def shop_with(**shoppers: object) -> ShopData:
    data = planted.tastes()
    return replace(data, shoppers=replace(data.shoppers, **shoppers))  # type: ignore[arg-type]


def taste_of_shoppers(gaps: float = 0.5) -> tuple[ShopData, np.ndarray]:
    """Shoppers whose ``age`` number is their taste (0 … 3, half of it missing), and whose ``club`` tells it."""
    rng = np.random.default_rng(3)
    taste = np.arange(240) % 4
    age = np.where(rng.random(240) < gaps, NAN, taste * 10.0 + 20).astype(np.float32)
    club = Codes(taste.astype(np.int32), ("a", "b", "c", "d"))
    return shop_with(numbers={"age": age}, attributes={"club": club}), taste * 10.0 + 20


class NumbersTest(TestCase):
    def setUp(self) -> None:
        values = np.full(240, NAN, np.float32)
        values[:4] = [1, 1, 4, 10]
        self.data = shop_with(numbers={"age": values})

    def filled(self, strategy: str) -> np.ndarray:
        return impute.apply(self.data, {"age": strategy})[0].shoppers.numbers["age"]

    def test_one_value_strategies_by_hand(self) -> None:
        for strategy, expected in (("mean", 4), ("median", 2.5), ("most_frequent", 1)):
            with self.subTest(strategy):
                assert_allclose(self.filled(strategy), [1, 1, 4, 10, *[expected] * 236])

    def test_indicator_leaves_the_gap_and_drop_the_attribute(self) -> None:
        self.assertEqual(int(np.isnan(self.filled("indicator")).sum()), 236)
        dropped, done = impute.apply(self.data, {"age": "drop"})
        self.assertEqual(dropped.shoppers.numbers, {})
        self.assertEqual((done["age"].missing, done["age"].filled), (236, 0))

    def test_what_was_filled_is_marked_and_counted(self) -> None:
        filled, done = impute.apply(self.data, {"age": "mean"})
        assert_array_equal(filled.shoppers.numbers["age missing"], [0] * 4 + [1] * 236)
        self.assertEqual((done["age"].owner, done["age"].filled), ("shopper", 236))

    def test_neighbours_and_rounds_find_the_planted_number(self) -> None:
        data, truth = taste_of_shoppers()
        for strategy, error in (("knn", 0.5), ("iterative", 6)):
            with self.subTest(strategy):
                found = impute.apply(data, {"age": strategy})[0].shoppers.numbers["age"]
                self.assertLess(np.abs(found - truth).mean(), error)
                self.assertGreater(
                    np.abs(impute.apply(data, {"age": "mean"})[0].shoppers.numbers["age"] - truth).mean(), 4
                )

    def test_number_that_nobody_has_stays_unknown(self) -> None:
        data = shop_with(numbers={"age": np.full(240, NAN, np.float32)})
        for strategy in impute.STRATEGIES[2:]:
            with self.subTest(strategy):
                self.assertTrue(np.isnan(impute.apply(data, {"age": strategy})[0].shoppers.numbers["age"]).all())

    def test_price_is_filled_like_any_number(self) -> None:
        data = planted.tastes()
        price = np.where(np.arange(60) < 30, 2.0, NAN).astype(np.float32)
        filled = impute.apply(replace(data, items=replace(data.items, price=price)), {"price": "median"})[0]
        assert_allclose(filled.items.price, 2)
        self.assertIn("price missing", filled.items.numbers)

    def test_absurd_numbers_are_pulled_in_and_counted(self) -> None:
        values = np.concatenate([np.linspace(10, 90, 239), [89_638e6]]).astype(np.float32)
        filled, done = impute.apply(shop_with(numbers={"income": values}), {})
        self.assertEqual(done["income"].clipped, 1)
        self.assertLess(filled.shoppers.numbers["income"].max(), 1e8)
        _, clipped = impute.clip_absurd(np.random.default_rng(0).lognormal(3, 1.5, 5000))
        self.assertEqual(clipped, 0)


class CategoriesTest(TestCase):
    def setUp(self) -> None:
        codes = np.full(240, -1, np.int32)
        codes[:5] = [0, 2, 2, 1, 1]
        codes[5:9] = 2
        self.data = shop_with(attributes={"age": Codes(codes, ("75+", "Under 35", "35-74"))})

    def test_most_frequent(self) -> None:
        filled, done = impute.apply(self.data, {"age": "most_frequent"})
        assert_array_equal(filled.shoppers.attributes["age"].codes[9:], 2)
        self.assertEqual(done["age"].filled, 231)

    def test_median_of_bands_goes_by_their_numbers(self) -> None:
        filled = impute.apply(self.data, {"age": "median"})[0]
        assert_array_equal(filled.shoppers.attributes["age"].codes[9:], 2)

    def test_mean_of_colours_is_refused(self) -> None:
        data = shop_with(attributes={"colour": Codes(np.array([0, -1] * 120, np.int32), ("red", "blue"))})
        with self.assertRaisesRegex(impute.UnknownStrategy, "'colour', received 'mean'"):
            impute.apply(data, {"colour": "mean"})

    def test_unknown_strategy_is_refused_by_name(self) -> None:
        with self.assertRaisesRegex(impute.UnknownStrategy, "received magic"):
            impute.apply(self.data, {"age": "magic"})

    def test_neighbours_and_rounds_find_the_planted_label(self) -> None:
        taste = (np.arange(240) % 4).astype(np.int32)
        gap = np.random.default_rng(1).random(240) < 0.4
        club, hint = Codes(np.where(gap, -1, taste).astype(np.int32), ("a", "b", "c", "d")), Codes(taste, tuple("wxyz"))
        data = shop_with(attributes={"club": club, "hint": hint})
        for strategy in ("knn", "iterative"):
            with self.subTest(strategy):
                found = impute.apply(data, {"club": strategy})[0].shoppers.attributes["club"].codes
                self.assertGreater((found == taste)[gap].mean(), 0.9)

    def test_rare_labels_are_pooled_and_missing_stays_missing(self) -> None:
        pooled = impute.pool_rare(Codes(np.array([0, 0, 1, 2, -1], np.int32), ("a", "b", "c")), 2)
        self.assertEqual(pooled.labels, ("a", "other"))
        assert_array_equal(pooled.codes, [0, 0, 1, 1, -1])

    def test_nothing_asked_changes_nothing(self) -> None:
        same, _ = impute.apply(self.data, {"unheard of": "mean"})
        assert_array_equal(same.shoppers.attributes["age"].codes, self.data.shoppers.attributes["age"].codes)
        self.assertEqual(set(same.shoppers.numbers), set())


class ComparisonTest(TestCase):
    def test_report_says_what_filling_did_to_the_metric(self) -> None:
        """``club`` tells the taste, so dropping it costs; neighbours restore what a mode destroys."""
        taste = (np.arange(240) % 4).astype(np.int32)
        gap = np.random.default_rng(1).random(240) < 0.5
        club, hint = Codes(np.where(gap, -1, taste).astype(np.int32), ("a", "b", "c", "d")), Codes(taste, tuple("wxyz"))
        data = shop_with(attributes={"club": club, "hint": hint})
        found = {
            row.strategy: row
            for row in impute_effect.compare_strategies(
                data, "club", impute_effect.attribute_quality(data, "club", 45, 60)
            )
        }
        # A mean of clubs means nothing.
        self.assertEqual(list(found), ["indicator", "drop", "most_frequent", "knn", "iterative"])
        self.assertEqual((found["indicator"].difference, found["knn"].filled), (0, int(gap.sum())))
        self.assertLess(found["drop"].difference, -2 * found["drop"].difference_se)
        self.assertGreater(found["knn"].difference, 3 * found["knn"].difference_se)
        self.assertGreater(found["knn"].ndcg, found["most_frequent"].ndcg)

    def test_a_run_reports_attributes_with_gaps_only(self) -> None:
        taste = (np.arange(240) % 4).astype(np.int32)
        gap = np.random.default_rng(1).random(240) < 0.5
        club, hint = Codes(np.where(gap, -1, taste).astype(np.int32), ("a", "b", "c", "d")), Codes(taste, tuple("wxyz"))
        data = shop_with(attributes={"club": club, "hint": hint})
        told = impute_effect.report(data, {"club": "knn"}, now=45, end=60)
        self.assertEqual(set(told), {"club"})
        self.assertEqual((told["club"]["applied"], told["club"]["missing"]), ("knn", float(gap.mean())))
        found = {row["strategy"]: row for row in told["club"]["strategies"]}
        self.assertGreater(found["knn"]["difference"], found["drop"]["difference"])
        json.dumps(told, allow_nan=False)
        self.assertEqual(impute_effect.report(data, {}, now=45, end=60, seconds=-1), {})
