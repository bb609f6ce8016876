"""A new key of the API: its form, and the one page that shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import uuid4

from recsite.api import keys
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Checks, Field, Notice, Option, PageHeader, Segment, Segments, Tabs
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.pages.settings.key_words import KINDS, SCOPES, Kind, Scope, kind_words
from recsite.dashboard.pages.settings.once import OncePage

_TEXTS = {
    Kind.SECRET: "It stays on the shop’s own server. Whoever has it may do what is ticked below, for every shopper.",
    Kind.PUBLISHABLE: "It stands in the shop’s pages, where anybody can read it. It posts events and reads lists of "
    "visitors only; a shopper’s id is unknown to it.",
}


@dataclass(frozen=True)
class Wish:
    """What the form of a new key holds."""

    kind: str
    name: str
    scopes: list[str]
    origins: list[str]
    form_id: str


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


def build(
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


def _usual(kind: str) -> list[str]:
    usual = keys.BROWSER_SCOPES if kind == Kind.PUBLISHABLE else set(SCOPES) - {Scope.ADMIN, Scope.PRIVACY_WRITE}
    return [str(scope) for scope in SCOPES if scope in usual]


def build_made(made: keys.NewKey, permissions: Collection[str], *, host: str, until: str = "") -> OncePage:
    """The new key's text. ``until``: of a rotated one, how long the old one goes on."""
    head = frame("settings-keys", kind_words(made.row), permissions, title=made.row.name)
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
