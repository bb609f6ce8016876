"""Tables as they are drawn: text alone by hand, everything else by the template, both alike."""

from __future__ import annotations

import re
from unittest.mock import PropertyMock, patch

from django.template import Context, Template
from django.test import SimpleTestCase

from recsite.dashboard.tables import Cell, Column, Row, Table

COLUMNS = [Column("Day"), Column("Lines", numeric=True), Column("Before", numeric=True, wide=True, marked=True)]


def drawn(table: Table) -> str:
    text = Template("{% load console %}{% show table %}").render(Context({"table": table}))
    return re.sub(r">\s+<", "><", text)


class PlainTablesTest(SimpleTestCase):
    def test_it_is_drawn_as_the_template_draws_it(self) -> None:
        rows = [Row([Cell("<b>1</b> & 2"), Cell("3", tone="muted"), Cell("4", tone="good")]), Row([Cell("5")] * 3)]
        table = Table("Lines", COLUMNS, rows)
        self.assertIn("&lt;b&gt;1&lt;/b&gt; &amp; 2", drawn(table))
        self.assertIn('<td class="numeric text-3">3</td>', drawn(table))
        with patch.object(Table, "plain_lines", new_callable=PropertyMock, return_value=""):
            by_template = drawn(table)
        self.assertEqual(drawn(table), by_template)

    def test_a_table_with_anything_else_is_the_templates(self) -> None:
        for row in (
            Row([Cell("1"), Cell("2", note="n"), Cell("3")]),
            Row([Cell("1"), Cell("2"), Cell("3")], href="/there/"),
            Row([Cell("1"), Cell("2", href="/there/"), Cell("3")]),
        ):
            self.assertEqual(Table("Lines", COLUMNS, [row]).plain_lines, "")
