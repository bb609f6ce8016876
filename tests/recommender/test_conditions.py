"""Which products: each part of a condition, and what cannot be read."""

from __future__ import annotations

import unittest

import numpy as np

from recommender.conditions import Condition, ConditionError, count
from tests.recommender.ruled import NAMES, SHELF
from tests.recommender.shelves import NOW


class ConditionTests(unittest.TestCase):
    def matching(self, **parts: object) -> list[str]:
        mask = Condition.from_dict(parts).matches(SHELF, np.arange(len(SHELF)), at=NOW)
        return [name for name, hit in zip(NAMES, mask, strict=True) if hit]

    def test_each_part(self) -> None:
        self.assertEqual(self.matching(categories=["dairy > milk"]), ["milk", "oat-milk"])
        self.assertEqual(self.matching(categories=["Dairy > M"]), [])
        self.assertEqual(self.matching(brands=["FARM", "Suds"]), ["milk", "butter", "soap"])
        self.assertEqual(self.matching(tags=["vegan"]), ["oat-milk", "apples", "pears"])
        self.assertEqual(self.matching(price_min=2.5, price_max=4), ["butter", "bread", "apples"])
        self.assertEqual(self.matching(stock_min=9), ["oat-milk", "bread", "rolls", "apples"])
        self.assertEqual(self.matching(stock_max=2), ["pears", "soap"])
        self.assertEqual(self.matching(age_max_days=14), ["oat-milk", "rolls"])
        self.assertEqual(self.matching(attributes={"colour": ["white"]}), ["milk", "oat-milk"])
        self.assertEqual(self.matching(attributes={"margin": {"min": 0.5}}), ["bread", "rolls", "soap"])
        self.assertEqual(self.matching(attributes={"unheard": ["of"]}), [])
        self.assertEqual(self.matching(products=["pears", "nothing"]), ["pears"])

    def test_parts_narrow_each_other(self) -> None:
        self.assertEqual(self.matching(categories=["Dairy"], brands=["Farm"], price_max=2), ["milk"])

    def test_filter_of_a_request(self) -> None:
        condition = Condition.from_filter(
            {"category": "Bakery", "price_max": "2", "margin_min": 0.1, "colour": "brown"}
        )
        self.assertEqual(count(condition, SHELF, at=NOW), 1)

    def test_values_and_a_range_of_one_attribute_are_refused(self) -> None:
        for values in ({"margin": "a", "margin_min": 1}, {"margin_min": 1, "margin": "a"}):
            with self.assertRaisesRegex(ConditionError, "values"):
                Condition.from_filter(values)

    def test_round_trip(self) -> None:
        parts = {"categories": ["Dairy"], "price_max": 3.0, "attributes": {"colour": ["red"], "margin": {"min": 0.2}}}
        self.assertEqual(Condition.from_dict(parts).to_dict(), parts)

    def test_refusals(self) -> None:
        refused: list[dict[str, object]] = [
            {"price_min": "cheap"},
            {"price_min": True},
            {"colour": 1},
            {"brands": [None]},
            {"attributes": []},
        ]
        for parts in refused:
            with self.subTest(parts), self.assertRaises(ConditionError):
                Condition.from_dict(parts)
