"""What a person does to rules in the console: the write and its line in the audit log, both or neither.

Each returns a :class:`Done`: what to say and the address that takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from recommender import acceptance, rulebook
from recommender.models import Rule
from recommender.rulebook import NotAllowed, Refused, Wording, wording_of
from recsite.dashboard import audit, findings, numbers
from recsite.dashboard.addresses import page
from recsite.dashboard.rule_fixes import fixed

_STATES: dict[str, Callable[..., Rule]] = {
    "live": rulebook.go_live,
    "pause": rulebook.pause,
    "resume": rulebook.resume,
    "end": rulebook.end,
}
STATES = tuple(_STATES)
_OPPOSITE = {"pause": "resume", "resume": "pause"}


@dataclass(frozen=True)
class Done:
    """``text`` for the toast, ``undo_url`` to post to (empty: no way back), and the rule where there is one left."""

    text: str
    undo_url: str = ""
    rule: Rule | None = None


@transaction.atomic
def save(*, wording: Wording, by: User, rule_id: int | None = None, seen: int = 0, live: bool = False) -> Done:
    """A new rule or a changed one; with ``live`` it also goes live. Raises ``Refused`` and ``rulebook.Changed``."""
    if rule_id is None:
        rule = rulebook.create(wording=wording, by=by, live=live)
        _note(by, "create", rule)
        said = True
    else:
        said = wording_of(Rule.objects.get(pk=rule_id)) != wording
        rule = rulebook.change(rule_id=rule_id, seen=seen, wording=wording, by=by, live=live)
        if said:
            _note(by, "change", rule)
    if live:
        _note(by, "live", rule)
        return Done(_since(rule), _undo(rule), rule)
    if not said:
        return Done(f"“{rule.name}” reads as it did.", rule=rule)
    saved = "is changed" if rule.status == Rule.Status.LIVE else "is saved as a draft; nothing changed in the shop"
    if rule.status in (Rule.Status.PAUSED, Rule.Status.ENDED):
        saved = f"is saved; it stays {rule.status}"
    return Done(f"“{rule.name}” {saved}.", _undo(rule) if rule.version > 1 else "", rule)


@transaction.atomic
def set_state(*, do: str, rule_id: int, by: User) -> Done:
    """One of ``STATES``. Raises ``Refused`` and ``NotAllowed``."""
    rule = _STATES[do](rule_id=rule_id, by=by)
    _note(by, do, rule)
    words = {"pause": "is paused", "end": "has ended"}
    return Done(_since(rule) if do in ("live", "resume") else f"“{rule.name}” {words[do]}.", _undo(rule), rule)


@transaction.atomic
def set_many(*, do: str, rule_ids: Sequence[int], by: User) -> Done:
    """Pause or resume several; those whose state does not admit it stay as they are and are counted."""
    done: list[Rule] = []
    for rule_id in sorted(set(rule_ids)):
        try:
            with transaction.atomic():
                done.append(_STATES[do](rule_id=rule_id, by=by))
        except (NotAllowed, Refused, Rule.DoesNotExist):
            continue
        _note(by, do, done[-1])
    left = len(set(rule_ids)) - len(done)
    text = f"{numbers.plural(len(done), 'rule')} {'paused' if do == 'pause' else 'live again'}"
    text += f"; {left} could not be" if left else ""
    undo = page("rules-bulk", _OPPOSITE[do], rule=[rule.pk for rule in done]) if done else ""
    return Done(f"{text}.", undo)


@transaction.atomic
def move(*, rule_id: int, way: str, by: User) -> Done:
    """``up`` runs earlier within its step, ``down`` later."""
    other = rulebook.reorder(rule_id=rule_id, step=-1 if way == "up" else 1, by=by)
    rule = Rule.objects.get(pk=rule_id)
    if other is None:
        return Done(f"“{rule.name}” runs {'first' if way == 'up' else 'last'} of its step already.", rule=rule)
    _note(by, "reorder", rule)
    words = "before" if way == "up" else "after"
    back = page("rule-move", rule_id, "down" if way == "up" else "up")
    return Done(f"“{rule.name}” now runs {words} “{other.name}”.", back, rule)


@transaction.atomic
def fix(*, rule_id: int, seen: int, do: str, value: str, by: User) -> Done:
    """Solve a conflict by changing one rule's wording. Raises ``Refused``, ``rulebook.Changed``, ``ValueError``."""
    rule = Rule.objects.get(pk=rule_id)
    changed = fixed(wording_of(rule), do, value)
    done = save(wording=changed, by=by, rule_id=rule_id, seen=seen)
    return Done(f"“{rule.name}” is changed: the conflict is solved.", done.undo_url, done.rule)


@transaction.atomic
def undo(*, rule_id: int, version: int, by: User) -> Done:
    """Take back what made ``version``. Raises ``rulebook.Changed`` and ``NotAllowed``."""
    rule = rulebook.undo(rule_id=rule_id, version=version, by=by)
    _note(by, "undo", rule)
    return Done(f"“{rule.name}” is {rule.status} again, as before.", rule=rule)


@transaction.atomic
def restore(*, rule_id: int, version: int, by: User) -> Done:
    """Wording and state of an older version. Raises ``RuleVersion.DoesNotExist`` and ``Refused``."""
    rule = rulebook.restore(rule_id=rule_id, version=version, by=by)
    _note(by, "restore", rule, restored=version)
    return Done(f"“{rule.name}” reads again as in version {version}; it is {rule.status}.", _undo(rule), rule)


@transaction.atomic
def delete(*, rule_id: int, by: User) -> Done:
    """A draft is gone for good. Raises ``NotAllowed``."""
    rule = Rule.objects.get(pk=rule_id)
    rulebook.delete_draft(rule_id=rule_id)
    _note(by, "delete", rule)
    return Done(f"The draft “{rule.name}” is deleted.")


@transaction.atomic
def accept(*, code: str, rule_ids: Sequence[int], by: User) -> Done:
    """An overlap is meant so: named no more until one of its rules moves something else. Raises ``CannotAccept``."""
    acceptance.accept(code=code, rule_ids=rule_ids, by=by)
    _note_overlap(by, "accept", code, rule_ids)
    return Done("Noted as meant so; it is named no more.", page("overlap-withdraw", code, _joined(rule_ids)))


@transaction.atomic
def withdraw(*, code: str, rule_ids: Sequence[int], by: User) -> Done:
    """The overlap is named again."""
    if not acceptance.withdraw(code=code, rule_ids=rule_ids):
        return Done("It was named already.")
    _note_overlap(by, "accept_end", code, rule_ids)
    return Done("The overlap is named again.", page("overlap-accept", code, _joined(rule_ids)))


def _note_overlap(by: User, verb: str, code: str, rule_ids: Sequence[int]) -> None:
    told = sorted(set(rule_ids))
    subject = f"rules {' and '.join(map(str, told))}"
    audit.note(by=by, action=f"rule.{verb}", subject=subject, detail={"code": code, "rules": told})
    transaction.on_commit(findings.forget)


def _joined(rule_ids: Sequence[int]) -> str:
    return "-".join(map(str, sorted(set(rule_ids))))


def _note(by: User, verb: str, rule: Rule, **more: object) -> None:
    detail = {"name": rule.name, "version": rule.version, "status": str(rule.status), **more}
    audit.note(by=by, action=f"rule.{verb}", subject=f"rule {rule.pk}", detail=detail)
    transaction.on_commit(findings.forget)


def _undo(rule: Rule) -> str:
    return page("rule-undo", rule.pk, rule.version)


def _since(rule: Rule) -> str:
    now = timezone.now()
    if rule.starts_at and rule.starts_at > now:
        return f"“{rule.name}” goes live on {numbers.moment(rule.starts_at)}."
    return f"“{rule.name}” is live since {timezone.localtime(now):%H:%M:%S}."
