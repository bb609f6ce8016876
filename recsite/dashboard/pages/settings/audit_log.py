"""Who did what, when, and whether anybody has tampered with the log of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from recsite.dashboard import audit, numbers, tables
from recsite.dashboard.addresses import changed, page
from recsite.dashboard.components import (
    Action,
    Component,
    Field,
    FilterBar,
    Nothing,
    Notice,
    PageHeader,
    Tabs,
    any_or_one,
)
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table

CSV_HEADER = ("id", "at", "by", "action", "subject", "detail", "sha256")
NOBODY = "–"  # in the filter: what the product did by itself, or somebody who was not let in
_COLUMNS = (Column("When"), Column("Who"), Column("Did"), Column("Detail", wide=True))
#: In words; what is missing here is read off its name.
_WORDS = {
    "admin.change": "Changed something in Django’s admin",
    "data.export": "Exported a file",
    "event_type.change": "Changed an event type",
    "event_type.declare": "Declared an event type",
    "experiment.end": "Ended an experiment",
    "experiment.start": "Started an experiment",
    "import.retry": "Tried an import again",
    "import.upload": "Imported a file",
    "key.create": "Made a key",
    "key.revoke": "Revoked a key",
    "key.rotate": "Rotated a key",
    "model.delete": "Deleted a model’s files",
    "model.promote": "Promoted a model",
    "model.retrain": "Asked for a training",
    "model.roll_back": "Rolled a model back",
    "model.shadow": "Put a model in shadow",
    "model.shadow_end": "Took a model out of shadow",
    "model.stop": "Stopped a training",
    "person.deactivate": "Let a person go",
    "person.invite": "Invited a person",
    "person.lock_out": "Locked out after too many attempts",
    "person.log_in": "Logged in",
    "person.log_in_failed": "Failed to log in",
    "person.log_out": "Logged out",
    "person.password": "Changed their password",
    "person.password_link": "Made a link to set a password",
    "person.password_set": "Set their password by a link",
    "person.reactivate": "Let a person in again",
    "person.role": "Changed a role",
    "person.second_factor_codes": "Made new recovery codes",
    "person.second_factor_off": "Turned their second factor off",
    "person.second_factor_on": "Set up a second factor",
    "person.second_factor_reset": "Reset another’s second factor",
    "reject.replay": "Tried rejected events again",
    "rule.accept": "Accepted an overlap of rules as meant",
    "rule.accept_end": "Had an overlap of rules named again",
    "schedule.change": "Changed the schedule of trainings",
    "shop.change": "Changed the shop",
    "shopper.erase": "Erased all data of a person",
    "tuning.start": "Started a search for settings",
    "tuning.stop": "Stopped a search for settings",
}


@dataclass(frozen=True)
class AuditPage:
    """``checked``: what a walk along the whole chain found, where that was asked for."""

    header: PageHeader
    tabs: Tabs
    filters: FilterBar
    table: Table
    checked: Notice | None
    note: str


@dataclass(frozen=True)
class Wanted:
    """The filter in the address; ``day`` None: any."""

    text: str
    person: str
    action: str
    day: date | None
    typed_day: str

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.person or self.action or self.typed_day)


def read_filter(params: Mapping[str, str]) -> Wanted:
    """A day that is none filters nothing, and stays in the field."""
    typed = params.get("day", "")
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = None
    return Wanted(params.get("q", "").strip(), params.get("person", ""), params.get("action", ""), day, typed)


def build(params: Mapping[str, str], shop: Shop, permissions: Collection[str]) -> AuditPage:
    """Fifty entries, the newest first. Queries: count, entries, people and actions of the filter."""
    wanted = read_filter(params)
    chosen = _matching(wanted, shop)
    total = chosen.count()
    number = tables.page_number(params, total)
    start = (number - 1) * tables.PAGE_SIZE
    head = frame(
        "settings-audit",
        "Who did what, and when?",
        permissions,
        actions=[
            Action("Export CSV", changed(params, format="csv"), "quiet", download=True),
            Action("Check the seals", changed(params, check="1")),
        ],
    )
    return AuditPage(
        head.header,
        head.tabs,
        _filters(wanted, total),
        Table(
            caption="Audit log, the newest first",
            columns=_COLUMNS,
            rows=[_row(entry) for entry in chosen[start : start + tables.PAGE_SIZE]],
            pager=tables.pager(page=number, total=total, noun="entries", params=_kept(params)),
            empty=_nothing(wanted),
            id="entries",
        ),
        checked=_checked() if params.get("check") else None,
        note="Nothing here can be changed or removed in the console. Each entry is sealed with the one before.",
    )


def csv_rows(params: Mapping[str, str], shop: Shop) -> Iterator[tuple[object, ...]]:
    """Every entry that the filter lets through, the newest first, under ``CSV_HEADER``; times in UTC."""
    for entry in _matching(read_filter(params), shop).iterator(2000):
        detail = "; ".join(f"{name}: {value}" for name, value in entry.detail.items())
        yield entry.pk, entry.at.isoformat(), entry.by_name, entry.action, entry.subject, detail, entry.sha256


def action_words(action: str) -> str:
    """``key.create`` → ``Made a key``; ``rule.live`` → ``Rule: live``."""
    noun, _, verb = action.partition(".")
    plain = f"{noun}: {verb}".replace("_", " ")
    return _WORDS.get(action, plain[:1].upper() + plain[1:])


def detail_words(detail: Mapping[str, Any]) -> str:
    """What differs between before and after, else every value: ``weight 1 → 2 · success yes``."""
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = dict.fromkeys([*before, *after])
        differing = [name for name in names if before.get(name) != after.get(name)]
        changes = [f"{_plain(name)} {_value(before.get(name))} → {_value(after.get(name))}" for name in differing]
        rest = {name: value for name, value in detail.items() if name not in ("before", "after")}
        return " · ".join([*changes, *_pairs(rest)])
    if before is not None and after is not None:
        rest = {name: value for name, value in detail.items() if name not in ("before", "after")}
        return " · ".join([f"{_value(before)} → {_value(after)}", *_pairs(rest)])
    return " · ".join(_pairs(detail))


def _pairs(detail: Mapping[str, Any]) -> list[str]:
    return [f"{_plain(name)} {_value(value)}" for name, value in detail.items() if value not in ("", None, [], {})]


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(_pairs(value)) or "nothing"
    return "nothing" if value in ("", None) else str(value)


def _kept(params: Mapping[str, str]) -> dict[str, str]:
    """The address without what only one page is to do."""
    return {name: value for name, value in params.items() if name != "check"}


def _matching(wanted: Wanted, shop: Shop) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.all()
    if wanted.text:
        rows = rows.filter(subject__icontains=wanted.text)
    if wanted.person:
        rows = rows.filter(by_name="" if wanted.person == NOBODY else wanted.person)
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.day:
        next_day = wanted.day + timedelta(days=1)
        rows = rows.filter(at__gte=shop.midnight(wanted.day), at__lt=shop.midnight(next_day))
    return rows


def _filters(wanted: Wanted, total: int) -> FilterBar:
    names = AuditEntry.objects.order_by("by_name").values_list("by_name", flat=True).distinct()
    actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    people = {name or NOBODY: name or "Nobody logged in" for name in names}
    done = dict(sorted(((action, action_words(action)) for action in actions), key=lambda pair: pair[1]))
    return FilterBar(
        action=page("settings-audit"),
        query=wanted.text,
        placeholder="Filter by what it was done to",
        selects=[
            any_or_one("person", "Person", "Anybody", people, wanted.person),
            any_or_one("action", "Action", "Any action", done, wanted.action),
        ],
        fields=[Field("day", "Day", wanted.typed_day, type="date")],
        count=numbers.plural(total, "entry", "entries"),
        clear_href="" if wanted.is_empty else page("settings-audit"),
        target="list",
    )


def _row(entry: AuditEntry) -> Row:
    return Row(
        id=str(entry.pk),
        cells=[
            Cell(numbers.moment(entry.at), note=f"№ {entry.pk}"),
            Cell(entry.by_name or "nobody logged in", tone="" if entry.by_name else "muted"),
            Cell(action_words(entry.action), note=entry.subject),
            Cell(detail_words(entry.detail), tone="muted"),
        ],
    )


def _checked() -> Notice:
    found = audit.verify()
    if found.broken_at is not None:
        text = (
            f"{numbers.plural(found.entries, 'entry', 'entries')} before it hold. Somebody changed, removed or "
            "reordered rows in the database: compare with an export or a backup from before."
        )
        return Notice(f"The chain is broken at entry № {found.broken_at}.", text, "bad")
    if not found.entries:
        return Notice("There is nothing to check yet.", "", "grey")
    newest = AuditEntry.objects.only("sha256").order_by("-id").first()
    seal = newest.sha256[:12] if newest else ""
    text = (
        f"The newest seal begins with {seal}. Who keeps it elsewhere can prove later that nothing up to now was "
        "changed; without it, entries cut off at the end would not show."
    )
    return Notice(f"All {numbers.plural(found.entries, 'entry', 'entries')} hold.", text, "good")


def _nothing(wanted: Wanted) -> Component:
    if wanted.is_empty:
        return Nothing("Nothing was done yet", "Log-ins, changes of rules, models, keys and people will stand here.")
    return Nothing("Nobody did that", "", [Action("Clear filters", page("settings-audit"), small=True)])
