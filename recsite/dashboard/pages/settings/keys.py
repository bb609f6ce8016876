"""The keys of the shop's door: which there are, what each may do, and whether anybody uses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from recsite.api import sight
from recsite.api.models import ApiKey
from recsite.dashboard import numbers, tables
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, EmptyState, PageHeader, Tabs
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.pages.settings.key_words import by, may, state_of, used_at
from recsite.dashboard.tables import Cell, Column, Row, Table

_COLUMNS = (
    Column("Key"),
    Column("May", wide=True),
    Column("Made", wide=True),
    Column("Last used", numeric=True),
    Column("State", numeric=True),
)


@dataclass(frozen=True)
class KeysPage:
    header: PageHeader
    tabs: Tabs
    table: Table


def build(params: Mapping[str, str], permissions: Collection[str]) -> KeysPage:
    """Fifty keys: those that let somebody in, then the ended ones."""
    rows = ApiKey.objects.select_related("created_by")
    total = rows.count()
    number = tables.page_number(params, total)
    now = timezone.now()
    # Never NULL, or it would not sort.
    ended = Q(revoked_at__isnull=False) | Q(expires_at__isnull=False, expires_at__lte=now)
    found = rows.alias(ended=ended).order_by("ended", "-id")
    head = frame(
        "settings-keys",
        "Who may post events and ask for lists?",
        permissions,
        actions=[Action("Make a key", page("settings-key-new"), "primary")] if total else [],
    )
    used = sight.keys_used()
    start = (number - 1) * tables.PAGE_SIZE
    return KeysPage(
        head.header,
        head.tabs,
        Table(
            caption="Keys of the API",
            columns=_COLUMNS,
            rows=[_row(key, used, now) for key in found[start : start + tables.PAGE_SIZE]],
            pager=tables.pager(page=number, total=total, noun="keys", params=params),
            empty=EmptyState(
                "No keys yet",
                "The shop’s server needs one to post what shoppers do and to ask for lists.",
                actions=[Action("Make a key", page("settings-key-new"), "primary")],
            ),
        ),
    )


def _row(key: ApiKey, used: Mapping[int, float], now: datetime) -> Row:
    state, live = state_of(key, now)
    return Row(
        href=reverse("settings-key", args=[key.pk]),
        id=str(key.pk),
        cells=[
            Cell(key.name, note=f"{key.prefix}…\u00a0·\u00a0{key.kind}"),
            Cell(may(key.scopes), tone="" if live else "muted"),
            Cell(numbers.moment(key.created_at).replace(" ", "\u00a0"), note=by(key)),
            Cell(used_at(key, used), tone="" if key.pk in used else "muted"),
            Cell(state),
        ],
    )
