"""Overlaps of rules that a person meant: who said so and when. It holds for the rules as they read then: change what
one of them moves, and the overlap is named again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from recommender.conflicts import REMARKS, Conflict
from recommender.models import AcceptedOverlap, Rule

Read = dict[str, Any]  # a rule's verb, condition and parameters: as the row's JSON holds them


class CannotAccept(ValueError):
    """Not an overlap that may be meant; the text says what was expected and what came."""


@transaction.atomic
def accept(*, code: str, rule_ids: Sequence[int], by: User) -> AcceptedOverlap:
    """Raises :class:`CannotAccept`."""
    if code not in REMARKS:
        raise CannotAccept(f"expected one of {', '.join(REMARKS)}, received {code!r}")
    rules = list(Rule.objects.select_for_update().filter(pk__in=rule_ids).order_by("pk"))
    if len(rules) < 2 or len(rules) != len(set(rule_ids)):
        raise CannotAccept(
            f"expected at least two rules that exist, received {', '.join(map(str, rule_ids)) or 'none'}"
        )
    values = {"reads": list(reads_of(rules).values()), "by": by}
    row, _ = AcceptedOverlap.objects.update_or_create(code=code, rules=[rule.pk for rule in rules], defaults=values)
    return row


@transaction.atomic
def withdraw(*, code: str, rule_ids: Sequence[int]) -> bool:
    """It is named again from now on; False where it was not accepted."""
    gone, _ = AcceptedOverlap.objects.filter(code=code, rules=sorted(set(rule_ids))).delete()
    return gone > 0


def accepted(reads: Mapping[int, Read]) -> dict[tuple[str, tuple[int, ...]], AcceptedOverlap]:
    """By code and rules (ids in order), those that hold for rules that read as ``reads`` says: one query."""
    rows = AcceptedOverlap.objects.select_related("by")
    return {(row.code, tuple(row.rules)): row for row in rows if [reads.get(pk) for pk in row.rules] == row.reads}


def key_of(conflict: Conflict) -> tuple[str, tuple[int, ...]]:
    """As :func:`accepted` names it."""
    return conflict.code, tuple(sorted(conflict.rules))


def read_of(verb: str, condition: Mapping[str, Any], parameters: Mapping[str, Any]) -> Read:
    """What a rule moves and how far; a name, a note or a date changes nothing of what was meant."""
    return {"verb": str(verb), "condition": dict(condition), "parameters": dict(parameters)}


def reads_of(rules: Iterable[Rule]) -> dict[int, Read]:
    return {rule.pk: read_of(rule.verb, rule.condition, rule.parameters) for rule in rules}
