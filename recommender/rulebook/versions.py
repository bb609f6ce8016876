"""A rule's row and its versions: each write leaves one, with the full wording and who wrote it."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from recommender import services
from recommender.models import Rule, RuleVersion
from recommender.rulebook.wording import Wording, wording_of


def locked(rule_id: int) -> Rule:
    """The row, until the transaction ends; raises ``Rule.DoesNotExist``. One that was made without a version gets its
    first now, so that the coming change can be undone."""
    rule = Rule.objects.select_for_update().get(pk=rule_id)
    if not rule.versions.filter(version=rule.version).exists():
        _keep(rule, by=rule.owner)
    return rule


def write(rule: Rule, wording: Wording, *, by: User | None) -> Rule:
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


def writer_of(rule: Rule) -> str:
    """Who wrote the newest version; "" where that is unknown."""
    newest = rule.versions.select_related("by").order_by("-version").first()
    return newest.by.get_username() if newest and newest.by else ""
