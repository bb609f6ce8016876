from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.test import SimpleTestCase

from recsite.dashboard import numbers
from recsite.dashboard.numbers import THIN

NOW = datetime(2017, 12, 31, 14, 0, tzinfo=UTC)


class Amounts(SimpleTestCase):
    def test_counts_are_grouped(self) -> None:
        self.assertEqual(numbers.count(1_437_911), "1,437,911")

    def test_negative_numbers_carry_a_true_minus(self) -> None:
        self.assertEqual(numbers.count(-2114), "−2,114")
        self.assertEqual(numbers.signed(-0.09), "−0.09")
        self.assertEqual(numbers.signed(0.34), "+0.34")

    def test_what_rounds_to_zero_has_no_sign(self) -> None:
        self.assertEqual(numbers.decimal(-0.004, 2), "0.00")

    def test_money_shows_cents_only_below_a_hundred(self) -> None:
        self.assertEqual(numbers.money(Decimal("2.99")), "$2.99")
        self.assertEqual(numbers.money(1307.4), "$1,307")
        self.assertEqual(numbers.money(0), "$0")
        self.assertEqual(numbers.money(-12.5), "−$12.50")

    def test_a_price_always_shows_cents_where_the_currency_has_them(self) -> None:
        self.assertEqual(numbers.price(1307), "$1,307.00")
        self.assertEqual(numbers.price(1307, "JPY"), "¥1,307")

    def test_a_currency_without_a_symbol_stands_behind(self) -> None:
        self.assertEqual(numbers.money(2.5, "CHF"), f"2.50{THIN}CHF")

    def test_money_is_short_from_ten_thousand_on(self) -> None:
        self.assertEqual(numbers.money_short(14_400), ("$14.4", "k"))
        self.assertEqual(numbers.money_short(9_999), ("$9,999", ""))
        self.assertEqual(numbers.money_short(3_200_000), ("$3.2", "M"))

    def test_nothing_is_a_dash(self) -> None:
        self.assertEqual(numbers.count(None), "–")
        self.assertEqual(numbers.money_short(None), ("–", ""))

    def test_qualities_leave_out_the_zero_before_the_point(self) -> None:
        self.assertEqual(numbers.metric(0.1724), ".172")
        self.assertEqual(numbers.metric(-0.004), "−.004")
        self.assertEqual(numbers.metric(1.0), "1.000")

    def test_bytes_are_decimal(self) -> None:
        self.assertEqual(numbers.size(2_100_000_000), f"2.1{THIN}GB")


class Rates(SimpleTestCase):
    def test_a_rate_is_written_with_a_thin_space(self) -> None:
        self.assertEqual(numbers.percent(0.0542), "5.42\u2009%")

    def test_nothing_shown_is_no_data_and_no_click_is_zero(self) -> None:
        self.assertEqual(numbers.rate(0, 0), "no data")
        self.assertEqual(numbers.rate(0, 212), f"0.00{THIN}%")

    def test_the_interval_of_no_click_reaches_up(self) -> None:
        self.assertEqual(numbers.interval(0, 212), "0.00 – 1.78")
        self.assertEqual(numbers.interval(0, 0), "–")

    def test_an_interval_holds_its_rate(self) -> None:
        low, high = numbers.wilson(7834, 128_218) or (1.0, 0.0)
        self.assertLess(low, 7834 / 128_218)
        self.assertGreater(high, 7834 / 128_218)

    def test_differences_of_rates_are_points(self) -> None:
        self.assertEqual(numbers.points(0.0051), f"0.51{THIN}pt")
        self.assertEqual(numbers.points(-0.123), f"12.3{THIN}pt")


class Times(SimpleTestCase):
    def test_durations_name_two_units_at_most(self) -> None:
        self.assertEqual(numbers.duration(110), f"1{THIN}min 50{THIN}s")
        self.assertEqual(numbers.duration(timedelta(hours=1, minutes=30)), f"1{THIN}h 30{THIN}min")
        self.assertEqual(numbers.duration(1.24), f"1.2{THIN}s")
        self.assertEqual(numbers.duration(60), f"1{THIN}min")

    def test_milliseconds_become_seconds_when_many(self) -> None:
        self.assertEqual(numbers.milliseconds(38), f"38{THIN}ms")
        self.assertEqual(numbers.milliseconds(12_000), f"12{THIN}s")

    def test_ago_within_the_hour_then_the_moment(self) -> None:
        self.assertEqual(numbers.ago(NOW - timedelta(seconds=2), NOW), f"2{THIN}s ago")
        self.assertEqual(numbers.ago(NOW - timedelta(minutes=59), NOW), f"59{THIN}min ago")
        self.assertEqual(numbers.ago(datetime(2017, 12, 31, 6, 4, tzinfo=UTC), NOW), "31 Dec 06:04")
        self.assertEqual(numbers.ago(datetime(2016, 12, 31, 6, 4, tzinfo=UTC), NOW), "31 Dec 2016 06:04")
        self.assertEqual(numbers.ago(None, NOW), "never")

    def test_ranges_name_what_differs(self) -> None:
        self.assertEqual(numbers.date_range(date(2017, 12, 4), date(2017, 12, 31)), "4 – 31 Dec 2017")
        self.assertEqual(numbers.date_range(date(2017, 11, 6), date(2017, 12, 3)), "6 Nov – 3 Dec 2017")
        self.assertEqual(numbers.date_range(date(2017, 12, 28), date(2018, 1, 3)), "28 Dec 2017 – 3 Jan 2018")
        self.assertEqual(numbers.date_range(date(2017, 12, 4), date(2017, 12, 4)), "4 Dec 2017")

    def test_words_follow_their_number(self) -> None:
        self.assertEqual(numbers.plural(1, "product"), "1 product")
        self.assertEqual(numbers.plural(2469, "household"), "2,469 households")
