"""What was changed of a placement before, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.models import Placement
from recsite.dashboard import numbers, placement_acts, placement_words
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.shop import Shop

CHANGES = 10  # of the history
_VERBS = {"create": "Set up", "change": "Changed", "undo": "Undone", "delete": "Deleted"}


@dataclass(frozen=True)
class Change:
    """One line of the history."""

    when: str
    who: str
    title: str
    lines: Sequence[str]


def build(placement: Placement, shop: Shop) -> list[Change]:
    """The newest changes from the audit log, one query."""
    return [_change(entry, shop) for entry in placement_acts.history(placement.slug)[:CHANGES]]


def _change(entry: AuditEntry, shop: Shop) -> Change:
    verb = entry.action.rpartition(".")[2]
    lines = placement_words.differences(entry.detail.get("before"), entry.detail.get("after"), shop.currency)
    return Change(numbers.moment(entry.at), entry.by_name, _VERBS.get(verb, verb.capitalize()), lines)
