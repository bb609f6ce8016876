"""The kinds of events that a shop posts, and how much each says in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from behavior.event_types import EventTypeRefused
from behavior.models import EventType
from behavior.queries import TypeCount, newest_event_at, type_counts
from recsite.dashboard import numbers
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Badge, Checks, Field, Option, PageHeader, Tabs
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.tables import Cell, Column, Row, Table

COUNTED = 600  # seconds that the counts are kept: they are one pass over the months in question
DAYS = 28  # the newest of the log, as under Data: years of it would take a page seconds to count
_COLUMNS = (
    Column("Type"),
    Column("Weight", numeric=True),
    Column("Success", wide=True),
    Column("Events", numeric=True),
    Column("Shoppers", numeric=True, wide=True),
    Column("Newest", numeric=True, wide=True),
)
#: What the built-in ones mean, for who declares another beside them.
_MEANINGS = {
    "impression": "a list or a product was seen",
    "view": "a product page was opened",
    "click": "a recommended product was clicked",
    "cart": "put into the basket",
    "favourite": "kept for later",
    "purchase": "bought",
    "rate": "rated, with the rating as value",
    "dismiss": "“not for me”",
}


@dataclass(frozen=True)
class EventTypesPage:
    """``note`` says when the events were counted, ``words`` what weight and success do."""

    header: PageHeader
    tabs: Tabs
    table: Table
    note: str
    words: str


@dataclass(frozen=True)
class EventTypePage:
    """The form of one type, or of a new one (``name`` None where it stands fast)."""

    header: PageHeader
    tabs: Tabs
    name: Field | None
    weight: Field
    target: Checks
    words: str
    button: str


@dataclass(frozen=True)
class Wish:
    """What a form holds, as typed."""

    name: str
    weight: str
    is_target: bool

    @property
    def number(self) -> float:
        """Raises ``EventTypeRefused`` for what is no number."""
        try:
            return float(self.weight.replace("−", "-").replace(",", "."))
        except ValueError:
            raise EventTypeRefused("weight", f"expected a number; received “{self.weight}”") from None


WORDS = (
    "The weight says how strongly an event speaks for a product: 0 says nothing, below 0 speaks against it. A success "
    "is what a recommendation should lead to: models are trained towards it and measured by it. Both count from the "
    "next training on; lists that are served now stay as they are."
)


def read_form(form: Mapping[str, str], *, name: str = "") -> Wish:
    return Wish(name or form.get("name", "").strip(), form.get("weight", "").strip(), form.get("target") == "yes")


def build(permissions: Collection[str]) -> EventTypesPage:
    """All of them: at most 127."""
    counts, at = _counts()
    types = list(EventType.objects.all())
    head = frame(
        "settings-event-types",
        "Which events does the shop post, and how much does each say?",
        permissions,
        actions=[Action("Declare a type", page("settings-event-type-new"), "primary")],
    )
    return EventTypesPage(
        head.header,
        head.tabs,
        Table(
            caption="Declared event types", columns=_COLUMNS, rows=[_row(row, counts.get(row.name)) for row in types]
        ),
        note=f"Events of the newest {DAYS} days of the log, counted {numbers.ago(at)}. A declared type is taken by the "
        "API at once; others are rejected and kept under Data.",
        words=WORDS,
    )


def build_one(
    row: EventType | None,
    permissions: Collection[str],
    *,
    wish: Wish | None = None,
    errors: Mapping[str, str] | None = None,
) -> EventTypePage:
    """``row`` None: the form of a new type. ``wish`` and ``errors``: a form that was refused."""
    told = errors or {}
    shown = wish or (Wish(row.name, f"{row.weight:g}", row.is_target) if row else Wish("", "1", True))
    meaning = _MEANINGS.get(row.name, "declared by the shop") if row else "The API takes events of it from then on."
    title = row.name if row else "Declare a type"
    head = frame("settings-event-types", f"{meaning[:1].upper()}{meaning[1:]}", permissions, title=title)
    return EventTypePage(
        header=head.header,
        tabs=head.tabs,
        name=None if row else _name(shown, told),
        weight=Field(
            "weight",
            "Weight",
            shown.weight,
            hint="A purchase usually has 5, a cart 3, a view 1.",
            error=told.get("weight", ""),
            required=True,
            limits={"inputmode": "decimal", "maxlength": "12"},
        ),
        target=Checks(
            "target",
            "Success",
            [Option("yes", "A recommendation that leads to it was a good one", shown.is_target)],
            error=told.get("is_target", ""),
        ),
        words=WORDS,
        button="Save" if row else "Declare it",
    )


def _name(shown: Wish, told: Mapping[str, str]) -> Field:
    return Field(
        "name",
        "Name",
        shown.name,
        hint="As events name it: small letters, digits, _ or -. It cannot be changed later.",
        error=told.get("name", ""),
        required=True,
        limits={"maxlength": "32", "placeholder": "wishlist", "autocapitalize": "none", "spellcheck": "false"},
    )


def _counts() -> tuple[dict[str, TypeCount], datetime]:
    def count() -> tuple[dict[str, TypeCount], datetime]:
        newest = newest_event_at()
        start = newest - timedelta(days=DAYS) if newest else None
        return {found.type: found for found in type_counts(start=start)}, timezone.now()

    return cache.get_or_set("settings:event-counts", count, COUNTED) or count()


def _row(row: EventType, counted: TypeCount | None) -> Row:
    note = _MEANINGS.get(row.name, "")
    return Row(
        href=reverse("settings-event-type", args=[row.name]),
        id=row.name,
        cells=[
            Cell(row.name, note=note, badge=None if row.is_builtin else Badge("own")),
            Cell(numbers.decimal(row.weight, 0 if row.weight == int(row.weight) else 2)),
            Cell("yes" if row.is_target else "no", tone="" if row.is_target else "muted"),
            Cell(numbers.count(counted.events) if counted else "none", tone="" if counted else "muted"),
            Cell(numbers.count(counted.shoppers) if counted else numbers.NONE, tone="" if counted else "muted"),
            Cell(numbers.moment(counted.last_at) if counted else numbers.NONE, tone="" if counted else "muted"),
        ],
    )
