from __future__ import annotations

import unittest
from datetime import UTC, date, datetime, timedelta

from recsite.dashboard import habits
from recsite.dashboard.queries.shoppers import Line

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEA, MILK, BREAD = 1, 2, 3


def line(
    day: int, product: int | None = TEA, kind: str = "purchase", price: float | None = 2.0, **more: object
) -> Line:
    values = {"quantity": 1.0, "session": "", "placement": "", "source": "api", **more}
    return Line(at=MONDAY + timedelta(days=day), type=kind, product_id=product, price=price, **values)  # type: ignore[arg-type]


def day_of(at: datetime) -> date:
    return at.date()


class FoldTest(unittest.TestCase):
    def test_baskets_are_the_purchases_of_a_session_or_a_day(self) -> None:
        folded = habits.fold([line(0), line(0, MILK), line(7), line(7, MILK, session="till 2")], day_of)
        self.assertEqual([len(basket.lines) for basket in folded.baskets], [1, 1, 2])
        self.assertEqual((folded.gap, folded.products, folded.spend), (7.0, 2, 8.0))

    def test_the_lines_of_a_visit_are_oldest_first_and_visits_newest_first(self) -> None:
        lines = [line(0, BREAD), line(9, TEA, session="a"), line(8, MILK, session="a"), line(8, BREAD, session="a")]
        found = habits.visits(lines, lambda at: MONDAY.date())
        self.assertEqual([[one.product_id for one in visit.lines] for visit in found], [[MILK, BREAD, TEA], [BREAD]])
        self.assertEqual([visit.at for visit in found], [MONDAY + timedelta(days=9), MONDAY])

    def test_quantity_counts_in_the_amount(self) -> None:
        folded = habits.fold([line(0, quantity=3.0)], day_of)
        self.assertEqual((folded.spend, folded.median_basket), (6.0, 6.0))

    def test_without_purchases_other_telling_events_stand_in(self) -> None:
        lines = [line(0, kind="view"), line(1, kind="impression", product=None), line(2, MILK, kind="dismiss")]
        folded = habits.fold(lines, day_of)
        self.assertTrue(folded.by_interest)
        self.assertEqual([one.product_id for one in folded.lines], [TEA])
        self.assertEqual(folded.counts, {"view": 1, "impression": 1, "dismiss": 1})

    def test_nothing_done_is_an_empty_fold(self) -> None:
        folded = habits.fold([], day_of)
        self.assertEqual((folded.baskets, folded.gap, folded.median_basket, folded.products), ([], None, None, 0))


class SharesTest(unittest.TestCase):
    def test_by_name_largest_spend_first_with_the_product_bought_most(self) -> None:
        lines = [line(0, TEA), line(1, TEA), line(1, MILK, price=9.0), line(2, BREAD, price=1.0)]
        made = habits.shares(lines, lambda product: "Drinks" if product in (TEA, MILK) else "Bakery")
        self.assertEqual(
            [(s.name, s.lines, s.spend, s.most) for s in made], [("Drinks", 3, 13.0, TEA), ("Bakery", 1, 1.0, BREAD)]
        )

    def test_a_name_is_asked_for_once_a_product(self) -> None:
        asked: list[int] = []

        def name(product: int) -> str:
            asked.append(product)
            return "Drinks"

        habits.shares([line(day, TEA) for day in range(9)], name)
        self.assertEqual(asked, [TEA])

    def test_of_two_bought_as_often_the_first_is_the_most(self) -> None:
        lines = [line(0, MILK), line(1, TEA), line(2, TEA), line(3, MILK)]
        self.assertEqual([share.most for share in habits.shares(lines, lambda product: "Drinks")], [MILK])

    def test_price_bands_are_closed_below(self) -> None:
        made = habits.price_shares([line(0, price=p) for p in (0.5, 1.0, 1.5, 9.0)], [1.0, 2.0])
        self.assertEqual(made, [0.25, 0.5, 0.25])
        self.assertIsNone(habits.price_shares([line(0, price=None)], [1.0]))


class RhythmTest(unittest.TestCase):
    def test_gap_is_the_mean_and_due_follows_the_last_day(self) -> None:
        (tea,) = habits.rhythms([line(0), line(7), line(14), line(3, MILK)], day_of)
        self.assertEqual((tea.product_id, tea.times, tea.gap), (TEA, 3, 7.0))
        self.assertEqual(tea.due, (MONDAY + timedelta(days=21)).date())

    def test_two_days_are_too_few_to_expect_a_third(self) -> None:
        (tea,) = habits.rhythms([line(0), line(7)], day_of)
        self.assertIsNone(tea.due)

    def test_a_log_without_time_has_no_rhythm(self) -> None:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        untimed = [Line(epoch, "purchase", TEA, 1.0, None, "", "", "import")] * 3
        self.assertEqual(habits.rhythms(untimed, day_of), [])
