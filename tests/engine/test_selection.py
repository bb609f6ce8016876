from __future__ import annotations

from unittest import TestCase

import numpy as np

from recommender.engine.selection import best_of_rows


def sorted_whole(scores: np.ndarray, k: int, above: float) -> np.ndarray:
    """The same by sorting each row."""
    found = np.full((len(scores), k), -1, np.int32)
    for row, line in enumerate(scores):
        order = np.lexsort((np.arange(len(line)), -line))
        order = order[np.isfinite(line[order]) & (line[order] > above)][:k]
        found[row, : len(order)] = order
    return found


class SelectionTests(TestCase):
    def test_the_same_as_sorting_each_row(self) -> None:
        rng = np.random.default_rng(3)
        for shape, k in (((40, 300), 20), ((7, 5), 20), ((3, 50), 1), ((5, 64), 64), ((0, 10), 3), ((4, 0), 3)):
            few = rng.integers(0, 9, shape).astype(np.float32)  # many are equal
            some = np.where(rng.random(shape) < 0.1, rng.normal(size=shape), 0).astype(np.float32)
            odd = rng.normal(size=shape).astype(np.float32)
            odd[rng.random(shape) < 0.3] = -np.inf
            odd[rng.random(shape) < 0.1] = np.nan
            odd[rng.random(shape) < 0.1] = np.inf
            for scores in (few, some, odd, np.sort(few, axis=1), np.asfortranarray(odd)):
                for above in (-np.inf, 0.0):
                    with self.subTest(shape=shape, k=k, above=above):
                        columns, count = best_of_rows(scores, k, above=above)
                        np.testing.assert_array_equal(columns, sorted_whole(scores, k, above))
                        np.testing.assert_array_equal(count, (columns >= 0).sum(1))

    def test_nothing_asked_is_nothing(self) -> None:
        columns, count = best_of_rows(np.ones((2, 3), np.float32), 0)
        self.assertEqual((columns.shape, count.tolist()), ((2, 0), [0, 0]))

    def test_what_is_only_read_will_do(self) -> None:
        scores = np.array([[0.5, 2, 1]], np.float32)
        scores.flags.writeable = False
        self.assertEqual(best_of_rows(scores, 2)[0].tolist(), [[1, 2]])
