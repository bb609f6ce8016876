"""The judge is itself judged: each broken promise, planted, is found."""

from __future__ import annotations

import unittest

from recsite.chaos.clients import Goods, complain
from recsite.chaos.history import Asked, History, Struck, judge, percentile


def kept(history: History, stored: dict[str, int]) -> list[str]:
    return [verdict.promise for verdict in judge(history, stored) if not verdict.kept]


def peaceful() -> tuple[History, dict[str, int]]:
    history = History()
    history.note_sent(["a", "b", "c"])
    history.note_post(200, ["a", "b"])
    history.note_post(503)  # c: its outcome is unknown
    history.note_struck(Struck("kill web", 10.0, 12.0))
    for second in range(20):
        history.note_asked(Asked(float(second), 0.02, 200))
    return history, {"a": 1, "b": 1}


class JudgeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.history, self.stored = peaceful()

    def test_nothing_is_found_in_peace(self) -> None:
        self.assertEqual(kept(self.history, self.stored), [])

    def test_an_event_of_unknown_outcome_may_be_stored(self) -> None:
        self.assertEqual(kept(self.history, {**self.stored, "c": 1}), [])

    def test_a_lost_event(self) -> None:
        self.assertEqual(kept(self.history, {"a": 1}), ["no acknowledged event is missing"])

    def test_a_doubled_event(self) -> None:
        self.assertEqual(kept(self.history, {**self.stored, "b": 2}), ["no event is stored twice"])

    def test_an_event_from_nowhere(self) -> None:
        self.assertEqual(kept(self.history, {**self.stored, "x": 1}), ["nothing is stored that nobody sent"])

    def test_a_valid_event_refused(self) -> None:
        self.history.note_post(400, complaint="400: …")
        self.assertEqual(kept(self.history, self.stored), ["no valid event is refused for good"])

    def test_an_answer_other_than_200(self) -> None:
        self.history.note_asked(Asked(3.0, 0.02, 500))
        self.assertEqual(kept(self.history, self.stored), ["every GET that is answered is answered 200"])

    def test_a_bad_list(self) -> None:
        self.history.note_asked(Asked(3.0, 0.02, 200, "a product stands twice"))
        self.assertEqual(kept(self.history, self.stored), ["every answer is a valid list of one generation"])

    def test_a_connection_that_broke_while_no_web_process_was_killed(self) -> None:
        self.history.note_asked(Asked(3.0, 0.02, 0))
        self.assertEqual(kept(self.history, self.stored), ["connections break only where a web process was killed"])

    def test_a_connection_that_broke_with_its_process(self) -> None:
        self.history.note_asked(Asked(10.01, 0.02, 0))
        self.assertEqual(kept(self.history, self.stored), [])

    def test_a_long_refusal(self) -> None:
        self.history.asked = [asked for asked in self.history.asked if not 10 <= asked.began < 15]
        self.history.note_asked(Asked(10.1, 0.01, 0))
        self.history.note_asked(Asked(11.0, 0.01, 0))
        self.history.note_struck(Struck("empty redis", 15.0, 17.0))  # the p99 needs an answer during a fault
        promise = "after a web process was killed GETs are answered again within 3 s"
        self.assertEqual(kept(self.history, self.stored), [promise])

    def test_slow_answers_during_a_fault(self) -> None:
        self.history.note_asked(Asked(11.0, 0.5, 200))
        self.assertEqual(kept(self.history, self.stored), ["p99 of a GET during faults ≤ 100 ms"])


class ListTest(unittest.TestCase):
    products = [f"p{number}" for number in range(30)]
    goods = Goods(
        frozenset(products), {"s1": {"deep-1": frozenset(products[:10]), "popularity-2": frozenset(products[10:20])}}
    )

    def complaint(self, products: list[str], version: str = "deep-1", who: str = "s1") -> str:
        items = [{"product": product, "position": place} for place, product in enumerate(products, 1)]
        return complain({"items": items, "model_version": version}, 10, who, self.goods)

    def test_a_good_list(self) -> None:
        self.assertEqual(self.complaint(self.products[:10]), "")

    def test_a_list_that_moved_a_little(self) -> None:
        self.assertEqual(self.complaint(self.products[2:8] + self.products[20:24]), "")

    def test_the_list_of_the_other_generation(self) -> None:
        self.assertIn("shares with others", self.complaint(self.products[10:20]))

    def test_a_model_that_never_served(self) -> None:
        self.assertIn("never served", self.complaint(self.products[:10], "deep-9"))

    def test_too_short(self) -> None:
        self.assertEqual(self.complaint(self.products[:9]), "expected 10 items, got 9")

    def test_a_product_twice(self) -> None:
        self.assertIn("twice", self.complaint([*self.products[:9], "p0"]))

    def test_a_product_that_is_not_for_sale(self) -> None:
        self.assertIn("not for sale", self.complaint([*self.products[:9], "gone"]))


class PercentileTest(unittest.TestCase):
    def test_of_nothing(self) -> None:
        self.assertIsNone(percentile([], 0.99))

    def test_of_a_hundred(self) -> None:
        self.assertEqual(percentile([float(number) for number in range(100)], 0.99), 99.0)
