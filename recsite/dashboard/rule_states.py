"""Whether a rule is at work: its state as a person names it."""

from __future__ import annotations

from datetime import datetime

from recommender.models import Rule
from recsite.dashboard.components import State

STATES = {
    "": "All but ended",
    "live": "Live",
    "scheduled": "Scheduled",
    "draft": "Draft",
    "paused": "Paused",
    "ended": "Ended",
    "all": "Any state",
}
_TONES = {"live": "good", "scheduled": "neutral", "draft": "accent", "paused": "warn", "ended": "neutral"}


def state_of(rule: Rule, now: datetime) -> str:
    """``live``, ``scheduled`` (live, its start to come), ``draft``, ``paused`` or ``ended`` (its end is past, too)."""
    if rule.status == Rule.Status.LIVE and rule.ends_at and rule.ends_at <= now:
        return "ended"
    if rule.status == Rule.Status.LIVE and rule.starts_at and rule.starts_at > now:
        return "scheduled"
    return str(rule.status)


def shown_state(rule: Rule, now: datetime) -> State:
    name = state_of(rule, now)
    return State(STATES[name], _TONES[name])
