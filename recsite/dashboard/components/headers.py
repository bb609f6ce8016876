"""A page's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from recsite.dashboard.components.acts import Action
from recsite.dashboard.components.marks import Badge


@dataclass(frozen=True)
class Crumb:
    label: str
    href: str = ""


@dataclass(frozen=True)
class PageHeader:
    """A page's title, the question that it answers, and its actions (at most one primary)."""

    template: ClassVar[str] = "partials/page_header.html"
    title: str
    question: str = ""
    actions: Sequence[Any] = ()  # Action, Copy, Select form or DateRange: whatever {% show %} draws
    badge: Badge | None = None
    crumbs: Sequence[Crumb] = ()

    @property
    def quiet(self) -> list[Action]:
        """What goes into "More" on a small screen."""
        return [action for action in self.actions if isinstance(action, Action) and action.kind == "quiet"]
