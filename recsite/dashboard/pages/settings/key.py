"""One key of the API: what it may do, and the way to replace or revoke it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from recsite.api import sight
from recsite.api.models import ApiKey
from recsite.dashboard import numbers
from recsite.dashboard.components import Action, Dialog, Fact, Facts, Option, PageHeader, Select, Tabs
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.pages.settings.key_words import Kind, by, kind_words, may, state_of, used_at

#: How long an old key goes on beside its successor.
OVERLAPS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_OVERLAP_WORDS = {"1h": "an hour", "1d": "a day", "7d": "seven days", "30d": "thirty days"}


@dataclass(frozen=True)
class KeyPage:
    """One key; ``overlap`` and ``revoke`` only while it lets somebody in. ``dialog``: the page asks before revoking."""

    header: PageHeader
    tabs: Tabs
    facts: Facts
    rotate_href: str
    overlap: Select | None
    revoke: Action | None
    dialog: Dialog | None = None


def build(key: ApiKey, permissions: Collection[str], *, asks: bool = False) -> KeyPage:
    """``asks``: whether it shall be revoked is the page's question."""
    now = timezone.now()
    head = frame("settings-keys", kind_words(key), permissions, title=key.name)
    live = state_of(key, now)[1]
    revoke = reverse("settings-key-revoke", args=[key.pk])
    return KeyPage(
        header=head.header,
        tabs=head.tabs,
        facts=_facts(key, now),
        rotate_href=reverse("settings-key-rotate", args=[key.pk]),
        overlap=_overlap() if live else None,
        revoke=Action("Revoke…", revoke, "danger") if live else None,
        dialog=_dialog(key, revoke) if live and asks else None,
    )


def _facts(key: ApiKey, now: datetime) -> Facts:
    state, _ = state_of(key, now)
    origins = ", ".join(key.origins) or "any that CORS_ORIGINS lets in"
    return Facts(
        [
            Fact("State", state.text),
            Fact("Begins with", f"{key.prefix}…", note="the rest is kept nowhere"),
            Fact("May", may(key.scopes)),
            *([Fact("On pages of", origins)] if key.kind == Kind.PUBLISHABLE else []),
            Fact("Made", numbers.moment(key.created_at), note=by(key)),
            Fact("Last used", used_at(key, sight.keys_used())),
        ]
    )


def _overlap() -> Select:
    return Select(
        "overlap",
        "The old one goes on for",
        [Option(name, words, name == "7d") for name, words in _OVERLAP_WORDS.items()],
    )


def _dialog(key: ApiKey, action: str) -> Dialog:
    return Dialog(
        "revoke",
        f"Revoke “{key.name}”?",
        f"Whoever uses {key.prefix}… is turned away by every web process within a second, for good. What they posted "
        "stays, and other keys go on. To change over without a gap, rotate it instead.",
        action,
        "Revoke it",
        type_this=key.prefix,
        keep="Keep it",
        cancel_href=reverse("settings-key", args=[key.pk]),
    )
