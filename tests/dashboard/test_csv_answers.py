from __future__ import annotations

import unittest

from recsite.dashboard import csv_answers


class LinesTest(unittest.TestCase):
    def test_header_then_rows_quoted_where_needed(self) -> None:
        made = "".join(csv_answers.lines(("id", "title"), [("1", 'Bread, "white"'), ("2", None)]))
        self.assertEqual(made, 'id,title\r\n1,"Bread, ""white"""\r\n2,\r\n')

    def test_a_cell_that_would_run_as_a_formula_becomes_text(self) -> None:
        for cell in ("=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx"):
            line = list(csv_answers.lines(("a",), [(cell,)]))[1]
            self.assertTrue(line.lstrip('"').startswith("'"), cell)

    def test_numbers_stay_numbers(self) -> None:
        self.assertEqual(list(csv_answers.lines(("a",), [(-2.5,)]))[1], "-2.5\r\n")
