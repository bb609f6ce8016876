"""What a key of the API is called, what it may do, and how it fares: as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from recsite.api.models import ApiKey
from recsite.dashboard import numbers
from recsite.dashboard.components import Badge

Scope, Kind = ApiKey.Scope, ApiKey.Kind
SCOPES = {
    Scope.EVENTS_WRITE: "post events",
    Scope.RECOMMENDATIONS_READ: "ask for lists",
    Scope.CATALOG_WRITE: "change products and shoppers",
    Scope.PRIVACY_WRITE: "export and erase shoppers",
    Scope.ADMIN: "ask as of other times, read /metrics",
}
KINDS = {Kind.SECRET: "For the shop’s server", Kind.PUBLISHABLE: "For pages in browsers"}


def kind_words(key: ApiKey) -> str:
    return KINDS[Kind(key.kind)]


def may(scopes: Sequence[str]) -> str:
    text = ", ".join(SCOPES.get(Scope(scope), scope) for scope in scopes)
    return text[:1].upper() + text[1:]


def by(key: ApiKey) -> str:
    return f"by {key.created_by.get_username()}" if key.created_by else "by manage.py"


def state_of(key: ApiKey, now: datetime) -> tuple[Badge, bool]:
    """The word for it, and whether it lets anybody in."""
    if key.revoked_at:
        return Badge(f"revoked {numbers.moment(key.revoked_at)}"), False
    if key.expires_at and key.expires_at <= now:
        return Badge(f"ended {numbers.moment(key.expires_at)}"), False
    if key.expires_at:
        return Badge(f"until {numbers.moment(key.expires_at)}", "warn"), True
    return Badge("live", "good"), True


def used_at(key: ApiKey, used: Mapping[int, float]) -> str:
    at = used.get(key.pk)
    return numbers.ago(datetime.fromtimestamp(at, UTC)) if at else "no use seen"
