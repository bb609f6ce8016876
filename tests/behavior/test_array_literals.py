from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from behavior.array_literals import of_plain, of_texts

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


class ReadBack(TestCase):
    """What Postgres reads is what was written."""

    def read(self, literal: str, kind: str) -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT %s::{kind}[]", [literal])
            return list(cursor.fetchone()[0])

    @given(st.lists(st.none() | TEXTS, max_size=8))
    @example(["", " ", "NULL", "null", None, '"', "\\", '\\"', "{}", "{a,b}", "a,b", "'", "\n\t\r", "ß 🫖"])
    @settings(max_examples=60, deadline=None)
    def test_texts(self, texts: list[str | None]) -> None:
        self.assertEqual(self.read(of_texts(texts), "text"), texts)

    @given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=8))
    @settings(max_examples=40, deadline=None)
    def test_numbers(self, numbers: list[float | None]) -> None:
        self.assertEqual(self.read(of_plain(numbers), "float8"), numbers)

    def test_the_rest(self) -> None:
        ids = [UUID(int=0), UUID("018f3a5e-0000-7000-8000-00000000000a")]
        self.assertEqual(self.read(of_plain(ids), "uuid"), ids)
        self.assertEqual(self.read(of_plain([True, None, False]), "boolean"), [True, None, False])
        self.assertEqual(self.read(of_plain([0, None, 32_767]), "smallint"), [0, None, 32_767])
        times = [datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, 17, 5, 0, 123_456, tzinfo=UTC)]
        self.assertEqual(self.read(of_plain([at.isoformat() for at in times]), "timestamptz"), times)
