"""Which of two rules of a step runs first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.contrib.auth.models import User
from django.db import transaction

from recommender.compiled_rules import step_of
from recommender.models import Rule
from recommender.rulebook.checks import LAST_PRIORITY
from recommender.rulebook.versions import locked, write
from recommender.rulebook.wording import wording_of

GAP = 10  # between priorities once they have to be given anew


@transaction.atomic
def reorder(*, rule_id: int, step: int, by: User | None) -> Rule | None:
    """Let the rule run one place earlier (``step`` −1) or later (1) within its step; returns the rule that it changed
    places with, None where it stands at the end already. Ended rules do not count."""
    # All of them, always in the same order, so that two who reorder at once wait for each other.
    rows = sorted(Rule.objects.select_for_update().order_by("pk"), key=lambda row: (row.priority, row.pk))
    rule = locked(rule_id)
    step_here = step_of(rule.verb)
    line = [row for row in rows if row.status != Rule.Status.ENDED and step_of(row.verb) == step_here]
    place = next((number for number, row in enumerate(line) if row.pk == rule.pk), None)
    if place is None or not 0 <= place + step < len(line):
        return None
    other = line[place + step]
    line[place], line[place + step] = other, line[place]
    for row, priority in zip(line, _priorities(line), strict=True):
        if row.priority != priority:
            row = locked(row.pk)
            write(row, replace(wording_of(row), priority=priority), by=by)
    return other


def _priorities(line: Sequence[Rule]) -> list[int]:
    """Those that the rules have, dealt out in the new order; where two are equal, and order would be the ids', new
    ones with gaps."""
    held = sorted(row.priority for row in line)
    if len(set(held)) == len(held):
        return held
    gap = max(1, min(GAP, LAST_PRIORITY // len(line)))
    return [gap * place for place in range(1, len(line) + 1)]
