"""What people do with rules: draft, change, go live, pause, resume, end, undo, reorder.

Every write is one transaction that leaves a ``RuleVersion`` with the full wording and who wrote it, so that what was
can be put back. After commit serving learns of it: the next answer goes by the new rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from recommender import compiled_rules, services
from recommender.compiled_rules import CompiledRule
from recommender.conditions import ConditionError
from recommender.models import Placement, Rule, RuleVersion

Status = Rule.Status
LAST_PRIORITY = 999  # what a person may type; 1 runs first
GAP = 10  # between priorities once they have to be given anew
_STEP_OF = {"bury": "boost"}  # boosts and buries run in one step


class Refused(ValueError):
    """A wording that cannot stand: ``errors`` by field, each with what was expected and what came."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


class Changed(Exception):
    """Somebody changed the rule since it was read: ``rule`` as it is now, ``by`` whom ("" where unknown)."""

    def __init__(self, rule: Rule, by: str) -> None:
        super().__init__(f"rule {rule.pk}: expected version unchanged, is now {rule.version}")
        self.rule, self.by = rule, by


class NotAllowed(Exception):
    """The rule's state does not admit it; the message says why."""


@dataclass(frozen=True)
class Wording:
    """What a rule says: every field that a person writes."""

    name: str
    verb: str
    condition: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    placements: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    priority: int = 50
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As ``RuleVersion.wording`` keeps it."""
        return {
            "name": self.name,
            "verb": self.verb,
            "condition": dict(self.condition),
            "parameters": dict(self.parameters),
            "placements": list(self.placements),
            "segments": list(self.segments),
            "starts_at": self.starts_at.isoformat() if self.starts_at else None,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
            "priority": self.priority,
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Wording:
        """The inverse of :meth:`to_dict`; what is not a wording's (the status) is left out."""
        known = {name: values[name] for name in _FIELDS if name in values}
        for name in ("starts_at", "ends_at"):
            known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
        for name in ("placements", "segments"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)

    def compiled(self, pk: int = 0) -> CompiledRule:
        """Ready to run, as the rule ``pk`` (0: one that is not stored); raises ``ConditionError``."""
        values = {**self.to_dict(), "id": pk}
        for name in ("starts_at", "ends_at"):
            at: datetime | None = getattr(self, name)
            values[name] = at.timestamp() if at else None
        return compiled_rules.from_dict(values)


_FIELDS = tuple(f.name for f in fields(Wording))


def wording_of(rule: Rule) -> Wording:
    """What the rule says now."""
    values = {name: getattr(rule, name) for name in _FIELDS}
    lists = {name: tuple(values[name]) for name in ("placements", "segments")}
    return Wording(**{**values, **lists, "verb": str(rule.verb)})


# --- What may stand ---


def check(wording: Wording) -> None:
    """Raise :class:`Refused` with everything that is wrong. One query."""
    sizes = dict(Placement.objects.filter(is_active=True).values_list("slug", "n"))
    if errors := {**_unreadable(wording), **_out_of_bounds(wording, sizes)}:
        raise Refused(errors)


def _unreadable(wording: Wording) -> dict[str, str]:
    try:
        wording.compiled()
    except ConditionError as error:
        return {error.field: _as_sentence(error)}
    return {}


def _as_sentence(error: ConditionError) -> str:
    if error.field == "condition":
        return "Which products? Name at least one product, category, brand, tag, price, stock, age or attribute."
    text = str(error).removeprefix(f"{error.field}: ")
    return f"{error.field.replace('_', ' ').capitalize()}: {text}."


def _out_of_bounds(wording: Wording, sizes: Mapping[str, int]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 1 <= len(wording.name.strip()) <= 120:
        errors["name"] = f"Name: expected 1 … 120 letters, received {len(wording.name.strip())}."
    unknown = [slug for slug in wording.placements if slug not in sizes]
    if unknown:
        errors["placements"] = f"Placements: expected some of {', '.join(sizes)}; received {', '.join(unknown)}."
    if wording.starts_at and wording.ends_at and wording.ends_at <= wording.starts_at:
        errors["ends_at"] = "The end must come after the start."
    if not 1 <= wording.priority <= LAST_PRIORITY:
        errors["priority"] = f"Priority: expected 1 (runs first) … {LAST_PRIORITY}, received {wording.priority}."
    if wording.verb == "pin" and "placements" not in errors:
        errors |= _beyond(wording, sizes)
    return errors


def _beyond(wording: Wording, sizes: Mapping[str, int]) -> dict[str, str]:
    """A pin behind the end of every list that it is for would never show."""
    position = wording.parameters.get("position", 1)
    reached = {slug: sizes[slug] for slug in wording.placements or sizes}
    if not isinstance(position, int) or not reached:
        return {}
    short = {slug: n for slug, n in reached.items() if position > n}
    # Everywhere also means the short ones, where the pin ends the list; a placement that was named must have room.
    if short and (wording.placements or len(short) == len(reached)):
        named = ", ".join(f"{n} products in {slug}" for slug, n in short.items())
        return {"position": f"Position: expected at most {min(short.values())} ({named}), received {position}."}
    return {}


# --- Writing ---


@transaction.atomic
def create(*, wording: Wording, by: User | None, live: bool = False) -> Rule:
    """A draft, or with ``live`` one that runs at once (undone, it is the draft). Raises :class:`Refused`."""
    check(wording)
    rule = Rule(owner=by, version=0)
    _write(rule, wording, by=by)
    if live:
        _set_status(rule, Status.LIVE, by)
    return rule


@transaction.atomic
def change(*, rule_id: int, seen: int, wording: Wording, by: User | None, live: bool = False) -> Rule:
    """The rule under a new wording; ``seen`` is the version that was edited. Raises :class:`Changed` where there is a
    newer one and :class:`Refused`."""
    rule = _locked(rule_id)
    if rule.version != seen:
        raise Changed(rule, _writer_of(rule))
    check(wording)
    if wording != wording_of(rule):
        _write(rule, wording, by=by)
    if live and rule.status != Status.LIVE:
        _set_status(rule, Status.LIVE, by)
    return rule


@transaction.atomic
def go_live(*, rule_id: int, by: User | None) -> Rule:
    """A draft, paused or ended rule runs from the next answer on. Raises :class:`Refused`, :class:`NotAllowed`."""
    rule = _locked(rule_id)
    _admit(rule, Status.DRAFT, Status.PAUSED, Status.ENDED)
    check(wording_of(rule))
    return _set_status(rule, Status.LIVE, by)


@transaction.atomic
def pause(*, rule_id: int, by: User | None) -> Rule:
    """A live rule stops until it is resumed; raises :class:`NotAllowed`."""
    rule = _locked(rule_id)
    _admit(rule, Status.LIVE)
    return _set_status(rule, Status.PAUSED, by)


@transaction.atomic
def resume(*, rule_id: int, by: User | None) -> Rule:
    """A paused rule runs again; raises :class:`Refused` where its wording no longer stands, :class:`NotAllowed`."""
    rule = _locked(rule_id)
    _admit(rule, Status.PAUSED)
    check(wording_of(rule))
    return _set_status(rule, Status.LIVE, by)


@transaction.atomic
def end(*, rule_id: int, by: User | None) -> Rule:
    """A live or paused rule is over; raises :class:`NotAllowed`."""
    rule = _locked(rule_id)
    _admit(rule, Status.LIVE, Status.PAUSED)
    return _set_status(rule, Status.ENDED, by)


@transaction.atomic
def restore(*, rule_id: int, version: int, by: User | None) -> Rule:
    """Wording and status as they were in ``version``, as a new version. Raises ``RuleVersion.DoesNotExist`` and, for
    what would go live, :class:`Refused`."""
    rule = _locked(rule_id)
    kept = rule.versions.get(version=version).wording
    wording, status = Wording.from_dict(kept), Status(kept.get("status", Status.DRAFT))
    if status == Status.LIVE:
        check(wording)
    if status == Status.LIVE != rule.status:
        rule.went_live_at = timezone.now()
    rule.status = status
    return _write(rule, wording, by=by)


@transaction.atomic
def undo(*, rule_id: int, version: int, by: User | None) -> Rule:
    """Take back what made ``version``. Raises :class:`Changed` where something was done since, :class:`NotAllowed` for
    the first one."""
    rule = _locked(rule_id)
    if rule.version != version:
        raise Changed(rule, _writer_of(rule))
    if version <= 1:
        raise NotAllowed("It has no earlier version; delete the draft instead.")
    return restore(rule_id=rule_id, version=version - 1, by=by)


@transaction.atomic
def reorder(*, rule_id: int, step: int, by: User | None) -> Rule | None:
    """Let the rule run one place earlier (``step`` −1) or later (1) within its step; returns the rule that it changed
    places with, None where it stands at the end already. Ended rules do not count."""
    # All of them, always in the same order, so that two who reorder at once wait for each other.
    rows = sorted(Rule.objects.select_for_update().order_by("pk"), key=lambda row: (row.priority, row.pk))
    rule = _locked(rule_id)
    line = [row for row in rows if row.status != Status.ENDED and _step(row) == _step(rule)]
    place = next((number for number, row in enumerate(line) if row.pk == rule.pk), None)
    if place is None or not 0 <= place + step < len(line):
        return None
    other = line[place + step]
    line[place], line[place + step] = other, line[place]
    for row, priority in zip(line, _priorities(line), strict=True):
        if row.priority != priority:
            row = _locked(row.pk)
            _write(row, replace(wording_of(row), priority=priority), by=by)
    return other


@transaction.atomic
def delete_draft(*, rule_id: int) -> None:
    """Remove a draft and its versions; raises :class:`NotAllowed` for anything else."""
    rule = _locked(rule_id)
    if rule.status != Status.DRAFT:
        raise NotAllowed(f"Only a draft can be deleted; this rule is {rule.status}. End it instead.")
    rule.delete()


def _locked(rule_id: int) -> Rule:
    """The row, until the transaction ends; raises ``Rule.DoesNotExist``. One that was made without a version gets its
    first now, so that the coming change can be undone."""
    rule = Rule.objects.select_for_update().get(pk=rule_id)
    if not rule.versions.filter(version=rule.version).exists():
        _keep(rule, by=rule.owner)
    return rule


def _admit(rule: Rule, *statuses: str) -> None:
    if rule.status not in statuses:
        raise NotAllowed(f"It is {rule.status} already, not {' or '.join(str(Status(s).value) for s in statuses)}.")


def _set_status(rule: Rule, status: Status, by: User | None) -> Rule:
    if status == Status.LIVE:
        rule.went_live_at = timezone.now()
    rule.status = status
    return _write(rule, wording_of(rule), by=by)


def _write(rule: Rule, wording: Wording, *, by: User | None) -> Rule:
    """The row under ``wording`` as its next version, kept; serving learns of it after commit."""
    for name, value in wording.to_dict().items():
        setattr(rule, name, getattr(wording, name) if name in ("starts_at", "ends_at") else value)
    rule.version += 1
    rule.save()
    _keep(rule, by=by)
    transaction.on_commit(_publish)
    return rule


def _keep(rule: Rule, *, by: User | None) -> None:
    wording = {**wording_of(rule).to_dict(), "status": str(rule.status)}
    RuleVersion.objects.create(rule=rule, version=rule.version, wording=wording, by=by)


def _publish() -> None:
    services.note_settings("rules")


def _writer_of(rule: Rule) -> str:
    newest = rule.versions.select_related("by").order_by("-version").first()
    return newest.by.get_username() if newest and newest.by else ""


def _step(rule: Rule) -> int:
    return compiled_rules.VERBS.index(_STEP_OF.get(str(rule.verb), str(rule.verb)))


def _priorities(line: Sequence[Rule]) -> list[int]:
    """Those that the rules have, dealt out in the new order; where two are equal, and order would be the ids', new
    ones with gaps."""
    held = sorted(row.priority for row in line)
    if len(set(held)) == len(held):
        return held
    gap = max(1, min(GAP, LAST_PRIORITY // len(line)))
    return [gap * place for place in range(1, len(line) + 1)]
