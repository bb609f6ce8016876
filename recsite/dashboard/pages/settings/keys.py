"""The keys of the shop's door: which there are, what each may do, and whether anybody uses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from recsite.api import keys, sight
from recsite.api.models import ApiKey
from recsite.dashboard import numbers, tables
from recsite.dashboard.addresses import page
from recsite.dashboard.components import (
    Action,
    Badge,
    Checks,
    Dialog,
    EmptyState,
    Fact,
    Facts,
    Field,
    Notice,
    Option,
    PageHeader,
    Segment,
    Segments,
    Select,
    Tabs,
)
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.pages.settings.once import OncePage
from recsite.dashboard.tables import Cell, Column, Row, Table

Scope, Kind = ApiKey.Scope, ApiKey.Kind
SCOPES = {
    Scope.EVENTS_WRITE: "post events",
    Scope.RECOMMENDATIONS_READ: "ask for lists",
    Scope.CATALOG_WRITE: "change products and shoppers",
    Scope.PRIVACY_WRITE: "export and erase shoppers",
    Scope.ADMIN: "ask as of other times, read /metrics",
}
KINDS = {Kind.SECRET: "For the shop’s server", Kind.PUBLISHABLE: "For pages in browsers"}
#: How long an old key goes on beside its successor.
OVERLAPS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_OVERLAP_WORDS = {"1h": "an hour", "1d": "a day", "7d": "seven days", "30d": "thirty days"}
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


@dataclass(frozen=True)
class NewKeyPage:
    """The form of a new key of one ``kind``; ``form_id`` tells a form that is sent twice from two forms."""

    header: PageHeader
    tabs: Tabs
    kinds: Segments
    kind: str
    text: str
    name: Field
    scopes: Checks
    origins: str | None
    origins_error: str
    form_id: str


@dataclass(frozen=True)
class Wish:
    """What the form of a new key holds."""

    kind: str
    name: str
    scopes: list[str]
    origins: list[str]
    form_id: str


def read_form(form: Mapping[str, str], scopes: list[str]) -> Wish:
    """``scopes``: the checked ones. Origins stand one a line or with commas."""
    kind = form.get("kind", "")
    return Wish(
        kind=kind if kind in KINDS else Kind.SECRET,
        name=form.get("name", "").strip(),
        scopes=scopes,
        origins=[word.rstrip("/") for word in form.get("origins", "").replace(",", " ").split()],
        form_id=form.get("form_id", ""),
    )


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


def build_one(key: ApiKey, permissions: Collection[str], *, asks: bool = False) -> KeyPage:
    """``asks``: whether it shall be revoked is the page's question."""
    now = timezone.now()
    head = frame("settings-keys", _kind_words(key), permissions, title=key.name)
    live = _state(key, now)[1]
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


def build_new(
    wish: Wish | None, permissions: Collection[str], *, kind: str = "", errors: Mapping[str, str] | None = None
) -> NewKeyPage:
    """An empty form of ``kind``, or with ``errors`` the one that was refused."""
    told = errors or {}
    wanted = wish.kind if wish else kind
    chosen = Kind.PUBLISHABLE if wanted == Kind.PUBLISHABLE else Kind.SECRET
    secret = chosen == Kind.SECRET
    scopes = wish.scopes if wish else _usual(chosen)
    head = frame(
        "settings-keys", "The key is shown once, after it is made, and kept nowhere.", permissions, title="Make a key"
    )
    return NewKeyPage(
        header=head.header,
        tabs=head.tabs,
        kinds=Segments(
            "Kind of key",
            [Segment(words, page("settings-key-new", kind=name), name == chosen) for name, words in KINDS.items()],
        ),
        kind=chosen,
        text=_TEXTS[chosen],
        name=Field(
            "name",
            "What it is for",
            wish.name if wish else "",
            hint=f"People tell keys apart by it. At most {keys.LIVE_AT_ONCE} live keys of one name.",
            error=told.get("name", ""),
            required=True,
            limits={"maxlength": "120", "placeholder": "Web shop" if secret else "Product pages"},
        ),
        scopes=Checks(
            "scopes",
            "What it may do",
            [
                Option(scope, f"{words[0].upper()}{words[1:]} · {scope}", scope in scopes)
                for scope, words in SCOPES.items()
                if secret or scope in keys.BROWSER_SCOPES
            ],
            error=told.get("scopes", ""),
        ),
        origins=None if secret else "\n".join(wish.origins if wish else []),
        origins_error=told.get("origins", ""),
        form_id=wish.form_id if wish else uuid4().hex,
    )


def build_made(made: keys.NewKey, permissions: Collection[str], *, host: str, until: str = "") -> OncePage:
    """The new key's text. ``until``: of a rotated one, how long the old one goes on."""
    head = frame("settings-keys", _kind_words(made.row), permissions, title=made.row.name)
    old = f" The old key goes on until {until}." if until else ""
    return OncePage(
        head.header,
        head.tabs,
        Notice("Copy it now.", f"This is the only time that it is shown. Who loses it makes another one.{old}", "warn"),
        label="Key",
        secret=made.secret,
        example_label="Try it" if Scope.RECOMMENDATIONS_READ in made.row.scopes else "",
        example=f'curl -H "Authorization: Bearer {made.secret}" "{host}/api/v1/recommendations?n=5"',
        after=[Action("I have it", page("settings-keys"), "primary")],
    )


_TEXTS = {
    Kind.SECRET: "It stays on the shop’s own server. Whoever has it may do what is ticked below, for every shopper.",
    Kind.PUBLISHABLE: "It stands in the shop’s pages, where anybody can read it. It posts events and reads lists of "
    "visitors only; a shopper’s id is unknown to it.",
}


def _usual(kind: str) -> list[str]:
    usual = keys.BROWSER_SCOPES if kind == Kind.PUBLISHABLE else set(SCOPES) - {Scope.ADMIN, Scope.PRIVACY_WRITE}
    return [str(scope) for scope in SCOPES if scope in usual]


def _kind_words(key: ApiKey) -> str:
    return KINDS[Kind(key.kind)]


def _row(key: ApiKey, used: Mapping[int, float], now: datetime) -> Row:
    state, live = _state(key, now)
    return Row(
        href=reverse("settings-key", args=[key.pk]),
        id=str(key.pk),
        cells=[
            Cell(key.name, note=f"{key.prefix}…\u00a0· {key.kind}"),
            Cell(_may(key.scopes), tone="" if live else "muted"),
            Cell(numbers.moment(key.created_at), note=_by(key)),
            Cell(_used(key, used), tone="" if key.pk in used else "muted"),
            Cell(state),
        ],
    )


def _state(key: ApiKey, now: datetime) -> tuple[Badge, bool]:
    """The word for it, and whether it lets anybody in."""
    if key.revoked_at:
        return Badge(f"revoked {numbers.moment(key.revoked_at)}"), False
    if key.expires_at and key.expires_at <= now:
        return Badge(f"ended {numbers.moment(key.expires_at)}"), False
    if key.expires_at:
        return Badge(f"until {numbers.moment(key.expires_at)}", "warn"), True
    return Badge("live", "good"), True


def _may(scopes: Sequence[str]) -> str:
    text = ", ".join(SCOPES.get(Scope(scope), scope) for scope in scopes)
    return text[:1].upper() + text[1:]


def _by(key: ApiKey) -> str:
    return f"by {key.created_by.get_username()}" if key.created_by else "by manage.py"


def _used(key: ApiKey, used: Mapping[int, float]) -> str:
    at = used.get(key.pk)
    return numbers.ago(datetime.fromtimestamp(at, UTC)) if at else "no use seen"


def _facts(key: ApiKey, now: datetime) -> Facts:
    state, _ = _state(key, now)
    origins = ", ".join(key.origins) or "any that CORS_ORIGINS lets in"
    return Facts(
        [
            Fact("State", state.text),
            Fact("Begins with", f"{key.prefix}…", note="the rest is kept nowhere"),
            Fact("May", _may(key.scopes)),
            *([Fact("On pages of", origins)] if key.kind == Kind.PUBLISHABLE else []),
            Fact("Made", numbers.moment(key.created_at), note=_by(key)),
            Fact("Last used", _used(key, sight.keys_used())),
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
