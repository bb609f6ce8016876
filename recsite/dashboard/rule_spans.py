"""Times that rules are often wanted for, each one press in the editor. A week begins on Monday, as its days do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from recsite.dashboard.rule_forms import RuleForm


@dataclass(frozen=True)
class Span:
    """``starts_at`` and ``ends_at`` as the form's fields hold them, on the shop's clock; empty: open on that side."""

    label: str
    starts_at: str
    ends_at: str

    @property
    def value(self) -> str:
        """How a button sends it: ``2026-11-30T00:00/2026-12-07T00:00``."""
        return f"{self.starts_at}/{self.ends_at}"


def spans(today: date) -> list[Span]:
    """What the editor offers on ``today``, the shop's day."""
    monday = today + timedelta(days=7 - today.weekday())
    return [
        Span("This week", "", _midnight(monday)),
        Span("Next week", _midnight(monday), _midnight(monday + timedelta(days=7))),
        Span("Always", "", ""),
    ]


def with_span(form: RuleForm, value: str) -> RuleForm:
    """The form with the times that a button sent; they are read and judged like typed ones."""
    starts_at, _, ends_at = value.partition("/")
    return replace(form, starts_at=starts_at, ends_at=ends_at)


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00"
