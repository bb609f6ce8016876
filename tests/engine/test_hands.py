"""Parts worked at by several threads: the order stays, and little is held."""

from __future__ import annotations

import threading
import time
import unittest

from recommender.engine.hands import MOST, in_order


class HandsTests(unittest.TestCase):
    def test_results_come_in_the_order_of_the_parts(self) -> None:
        def slow(part: int) -> int:
            time.sleep(0.002 * (5 - part % 5))
            return part * part

        for threads in (0, 1, 2, 9):
            self.assertEqual(list(in_order(slow, range(40), threads)), [part * part for part in range(40)])
        self.assertEqual(list(in_order(slow, [], 2)), [])

    def test_several_work_at_once_and_no_more_than_were_asked_for(self) -> None:
        both = threading.Barrier(2, timeout=20)
        self.assertEqual(sorted(in_order(lambda part: both.wait() >= 0, range(2), 2)), [True, True])
        seen: set[int] = set()
        list(in_order(lambda part: seen.add(threading.get_ident()), range(200), 99))
        self.assertLessEqual(len(seen), MOST)

    def test_what_is_begun_is_bounded(self) -> None:
        begun: list[int] = []
        parts = (begun.append(part) or part for part in range(1_000))  # type: ignore[func-returns-value]
        found = in_order(lambda part: part, parts, 2)
        self.assertEqual([next(found), next(found)], [0, 1])
        self.assertLessEqual(len(begun), 6)
        found.close()  # type: ignore[attr-defined]
        self.assertLessEqual(len(begun), 6)

    def test_an_error_is_raised_at_its_place(self) -> None:
        def work(part: int) -> int:
            if part == 3:
                raise ValueError("three")
            return part

        found = in_order(work, range(100), 2)
        self.assertEqual([next(found) for _ in range(3)], [0, 1, 2])
        with self.assertRaisesRegex(ValueError, "three"):
            next(found)
