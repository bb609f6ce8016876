from __future__ import annotations

import unittest

from recommender.model_names import architecture_name, baseline_name


class NamesTest(unittest.TestCase):
    def test_names(self) -> None:
        self.assertEqual(baseline_name("own_decay_20d"), "Buy again, decay 20 days")
        self.assertEqual(baseline_name("popularity_7d"), "Best sellers, 7 days")
        self.assertEqual(architecture_name("something_new"), "Something new")
