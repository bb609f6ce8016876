"""What people do with rules: draft, change, go live, pause, resume, end, undo, delete."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from recommender.models import Rule
from recommender.rulebook.checks import check
from recommender.rulebook.versions import locked, write, writer_of
from recommender.rulebook.wording import Wording, wording_of

Status = Rule.Status


class Changed(Exception):
    """Somebody changed the rule since it was read: ``rule`` as it is now, ``by`` whom ("" where unknown)."""

    def __init__(self, rule: Rule, by: str) -> None:
        super().__init__(f"rule {rule.pk}: expected version unchanged, is now {rule.version}")
        self.rule, self.by = rule, by


class NotAllowed(Exception):
    """The rule's state does not admit it; the message says why."""


@transaction.atomic
def create(*, wording: Wording, by: User | None, live: bool = False) -> Rule:
    """A draft, or with ``live`` one that runs at once (undone, it is the draft). Raises :class:`Refused`."""
    check(wording)
    rule = Rule(owner=by, version=0)
    write(rule, wording, by=by)
    if live:
        _set_status(rule, Status.LIVE, by)
    return rule


@transaction.atomic
def change(*, rule_id: int, seen: int, wording: Wording, by: User | None, live: bool = False) -> Rule:
    """The rule under a new wording; ``seen`` is the version that was edited. Raises :class:`Changed` where there is a
    newer one and :class:`Refused`."""
    rule = locked(rule_id)
    if rule.version != seen:
        raise Changed(rule, writer_of(rule))
    check(wording)
    if wording != wording_of(rule):
        write(rule, wording, by=by)
    if live and rule.status != Status.LIVE:
        _set_status(rule, Status.LIVE, by)
    return rule


@transaction.atomic
def go_live(*, rule_id: int, by: User | None) -> Rule:
    """A draft, paused or ended rule runs from the next answer on. Raises :class:`Refused`, :class:`NotAllowed`."""
    rule = locked(rule_id)
    _admit(rule, Status.DRAFT, Status.PAUSED, Status.ENDED)
    check(wording_of(rule))
    return _set_status(rule, Status.LIVE, by)


@transaction.atomic
def pause(*, rule_id: int, by: User | None) -> Rule:
    """A live rule stops until it is resumed; raises :class:`NotAllowed`."""
    rule = locked(rule_id)
    _admit(rule, Status.LIVE)
    return _set_status(rule, Status.PAUSED, by)


@transaction.atomic
def resume(*, rule_id: int, by: User | None) -> Rule:
    """A paused rule runs again; raises :class:`Refused` where its wording no longer stands, :class:`NotAllowed`."""
    rule = locked(rule_id)
    _admit(rule, Status.PAUSED)
    check(wording_of(rule))
    return _set_status(rule, Status.LIVE, by)


@transaction.atomic
def end(*, rule_id: int, by: User | None) -> Rule:
    """A live or paused rule is over; raises :class:`NotAllowed`."""
    rule = locked(rule_id)
    _admit(rule, Status.LIVE, Status.PAUSED)
    return _set_status(rule, Status.ENDED, by)


@transaction.atomic
def restore(*, rule_id: int, version: int, by: User | None) -> Rule:
    """Wording and status as they were in ``version``, as a new version. Raises ``RuleVersion.DoesNotExist`` and, for
    what would go live, :class:`Refused`."""
    rule = locked(rule_id)
    kept = rule.versions.get(version=version).wording
    wording, status = Wording.from_dict(kept), Status(kept.get("status", Status.DRAFT))
    if status == Status.LIVE:
        check(wording)
    if status == Status.LIVE != rule.status:
        rule.went_live_at = timezone.now()
    rule.status = status
    return write(rule, wording, by=by)


@transaction.atomic
def undo(*, rule_id: int, version: int, by: User | None) -> Rule:
    """Take back what made ``version``. Raises :class:`Changed` where something was done since, :class:`NotAllowed` for
    the first one."""
    rule = locked(rule_id)
    if rule.version != version:
        raise Changed(rule, writer_of(rule))
    if version <= 1:
        raise NotAllowed("It has no earlier version; delete the draft instead.")
    return restore(rule_id=rule_id, version=version - 1, by=by)


@transaction.atomic
def delete_draft(*, rule_id: int) -> None:
    """Remove a draft and its versions; raises :class:`NotAllowed` for anything else."""
    rule = locked(rule_id)
    if rule.status != Status.DRAFT:
        raise NotAllowed(f"Only a draft can be deleted; this rule is {rule.status}. End it instead.")
    rule.delete()


def _admit(rule: Rule, *statuses: str) -> None:
    if rule.status not in statuses:
        raise NotAllowed(f"It is {rule.status} already, not {' or '.join(str(Status(s).value) for s in statuses)}.")


def _set_status(rule: Rule, status: Status, by: User | None) -> Rule:
    if status == Status.LIVE:
        rule.went_live_at = timezone.now()
    rule.status = status
    return write(rule, wording_of(rule), by=by)
