from __future__ import annotations

from datetime import UTC, datetime
from unittest import TestCase

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from catalog.attributes import read_value
from catalog.cells import Cells
from catalog.tabular import Chunk

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def cells(values: list[object] | pa.Array) -> Cells:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return Cells(Chunk(np.arange(len(column), dtype=np.int64) + 2, {"x": column}))


def codes(refused: Cells) -> dict[int, str]:
    return {row: reject.code for row, reject in refused.rejects.items()}


class NumberTests(TestCase):
    def test_any_spelling_of_a_number_is_that_number(self) -> None:
        made = cells(["1", "1.0", "+1", " 1.00000000000000000001 ", "1e0", ".5", "2.", "-3", "", "NA", "nan"])
        self.assertEqual(made.numbers("x").to_pylist(), [1, 1, 1, 1, 1, 0.5, 2, -3, None, None, None])
        self.assertEqual(made.rejects, {})

    def test_refuses_words_commas_infinities_and_what_is_out_of_range(self) -> None:
        made = cells(["two", "1,5", "inf", "-1", "1e999", "5"])
        made.numbers("x", least=0, most=10)
        expected = {0: "not_a_number", 1: "not_a_number", 2: "not_finite", 3: "out_of_range", 4: "not_finite"}
        self.assertEqual(codes(made), expected)

    def test_whole_numbers_drop_decimals(self) -> None:
        self.assertEqual(cells(["5.0", "7", None]).whole_numbers("x").to_pylist(), [5, 7, None])

    def test_parquet_numbers_stay_numbers_and_ids_lose_their_point(self) -> None:
        column = pa.array([1.0, None, 3.0])
        self.assertEqual(cells(column).numbers("x").to_pylist(), [1.0, None, 3.0])
        self.assertEqual(cells(column).text("x").to_pylist(), ["1", None, "3"])

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_reads_back_what_python_writes(self, value: float) -> None:
        self.assertEqual(cells([repr(value), "x"]).numbers("x").to_pylist()[0], value)


class TimeTests(TestCase):
    def test_reads_the_usual_spellings(self) -> None:
        noon = datetime(2015, 5, 3, 12, tzinfo=UTC)
        spelled = [
            "2015-05-03T12:00:00Z", "2015-05-03t14:00:00+02:00", "2015-05-03 12:00:00", "2015-05-03T12:00",
            "1430654400", "1430654400.0", "1430654400000", "2015-05-03 12:00:00 UTC", "2015-05-03 14:00:00+02",
        ]  # fmt: skip
        self.assertEqual(cells(spelled).times("x", latest=NOW).to_pylist(), [noon] * 9)
        for one in spelled:
            with self.subTest(one):
                self.assertEqual(cells([one]).times("x", latest=NOW).to_pylist(), [noon])

    def test_a_day_is_its_midnight_and_nothing_is_unknown(self) -> None:
        made = cells(["2015-05-03", ""])
        self.assertEqual(made.times("x", latest=NOW).to_pylist(), [datetime(2015, 5, 3, tzinfo=UTC), None])

    def test_a_day_without_dashes_is_a_day_in_text_and_in_numbers(self) -> None:
        day, seconds = datetime(2015, 5, 3, tzinfo=UTC), datetime(1970, 8, 22, 5, 17, 11, tzinfo=UTC)
        for column in (
            ["20150503", "20150231"],
            ["20150503", "20150231", "2015-05-03"],
            pa.array([20150503, 20150231]),
        ):
            with self.subTest(column):
                read = cells(column).times("x", latest=NOW).to_pylist()
                self.assertEqual(read[:2], [day, seconds])

    def test_parquet_times_keep_their_moment(self) -> None:
        moment = datetime(2015, 5, 3, 12, tzinfo=UTC)
        for column in (pa.array([moment], pa.timestamp("ns", "Europe/Berlin")), pa.array([1430654400])):
            with self.subTest(column.type):
                self.assertEqual(cells(column).times("x", latest=NOW).to_pylist(), [moment])

    def test_refuses_words_impossible_days_and_the_future(self) -> None:
        made = cells(["soon", "2015-02-30", "2999-01-01", "1e30", "2015-05-03"])
        made.times("x", latest=NOW)
        expected = {0: "not_a_time", 1: "not_a_time", 2: "in_the_future", 3: "not_a_time"}
        self.assertEqual(codes(made), expected)

    @given(st.lists(st.text(max_size=25), min_size=1, max_size=4))
    def test_any_text_is_a_time_or_a_reject(self, words: list[str]) -> None:
        made = cells(words)
        times = made.times("x", latest=NOW).to_pylist()
        self.assertEqual(len(times), len(words))


class TextTests(TestCase):
    def test_strips_and_shortens_and_counts_it(self) -> None:
        made = cells(["  abcdef ", " ", None])
        self.assertEqual(made.text("x", max_length=3).to_pylist(), ["abc", None, None])
        self.assertEqual(made.shortened, {"x": 1})

    def test_ids_are_taken_literally_and_never_shortened(self) -> None:
        made = cells(["1.0", "007", "", "y" * 129, "a\0b"])
        self.assertEqual(made.identity("x").to_pylist()[:2], ["1.0", "007"])
        self.assertEqual(codes(made), {2: "missing", 3: "too_long", 4: "not_text"})

    def test_booleans(self) -> None:
        made = cells(["Yes", "0", "", "maybe"])
        self.assertEqual(made.booleans("x").to_pylist()[:3], [True, False, None])
        self.assertEqual(codes(made), {3: "not_a_boolean"})


class AttributeTests(TestCase):
    def test_numbers_as_numbers_codes_as_text(self) -> None:
        read = {text: read_value(text) for text in ("2", "2.50", "007", "3+", "TRUE", "1e999", "12345678901234567890")}
        expected = {"2": 2, "2.50": 2.5, "007": "007", "3+": "3+", "TRUE": True}
        self.assertEqual(read, expected | {"1e999": "1e999", "12345678901234567890": "12345678901234567890"})
