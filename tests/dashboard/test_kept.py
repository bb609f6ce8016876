from __future__ import annotations

import threading
import time

from django.test import SimpleTestCase, override_settings

from recsite.dashboard.kept import Kept


class KeptTest(SimpleTestCase):
    databases = {"default"}  # the thread closes its connections

    def setUp(self) -> None:
        self.made = 0

    def make(self) -> int:
        self.made += 1
        return self.made

    @override_settings(KEEP_COUNTS=True)
    def test_it_is_made_once_and_again_for_another_key(self) -> None:
        kept: Kept[int] = Kept("test", seconds=60)
        self.assertEqual([kept.get(self.make), kept.get(self.make)], [1, 1])
        self.assertEqual(kept.get(self.make, key="import 2"), 2)
        self.assertEqual(kept.again(self.make, key="import 2"), 3)
        self.assertEqual(kept.get(self.make, key="import 2"), 3)

    @override_settings(KEEP_COUNTS=True)
    def test_the_count_of_an_empty_shop_is_not_kept(self) -> None:
        kept: Kept[int] = Kept("test", seconds=60, passing=lambda value: value < 3)
        self.assertEqual([kept.get(self.make) for _ in range(4)], [1, 2, 3, 3])

    @override_settings(KEEP_COUNTS=True)
    def test_an_old_value_is_given_while_the_next_is_made(self) -> None:
        kept: Kept[int] = Kept("test", seconds=0)
        go_on = threading.Event()

        def slow() -> int:
            go_on.wait(10)
            return 2

        self.assertEqual(kept.get(self.make), 1)
        time.sleep(0.01)
        self.assertEqual(kept.get(slow), 1)
        self.assertEqual(kept.get(slow), 1)  # it still runs: no second thread
        go_on.set()
        thread = kept._thread
        assert thread is not None
        thread.join(10)
        kept.seconds = 60
        self.assertEqual(kept.get(self.make), 2)
        self.assertEqual(self.made, 1)

    @override_settings(KEEP_COUNTS=True)
    def test_a_failure_keeps_what_there_was(self) -> None:
        kept: Kept[int] = Kept("test", seconds=0)
        kept.get(self.make)

        def fail() -> int:
            raise RuntimeError("no database")

        with self.assertLogs("recsite.dashboard.kept", "ERROR"):
            kept.get(fail)
            thread = kept._thread
            assert thread is not None
            thread.join(10)
        kept.seconds = 60
        self.assertEqual(kept.get(self.make), 1)

    @override_settings(KEEP_COUNTS=True)
    def test_several_keys_are_kept_the_newest_of_them(self) -> None:
        kept: Kept[int] = Kept("test", seconds=60, most=2)
        self.assertEqual([kept.get(self.make, key) for key in ("a", "b", "a", "b")], [1, 2, 1, 2])
        self.assertEqual([kept.get(self.make, key) for key in ("c", "b", "a")], [3, 2, 4])

    @override_settings(KEEP_COUNTS=True)
    def test_what_is_too_old_is_made_at_once(self) -> None:
        kept: Kept[int] = Kept("test", seconds=0, oldest=0)
        kept.get(self.make)
        time.sleep(0.01)
        self.assertEqual(kept.get(self.make), 2)

    def test_tests_count_always(self) -> None:
        kept: Kept[int] = Kept("test", seconds=60)
        self.assertEqual([kept.get(self.make), kept.get(self.make)], [1, 2])
