"""Data: can each strategy work with the data that arrives, what is missing, what came and what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from django.conf import settings

from catalog.models import Import
from catalog.queries import imports
from recommender.models import Placement
from recommender.readiness import Readiness
from recsite.api import sight
from recsite.api.sight import Arrival
from recsite.dashboard import charts, filling, names, numbers, readiness, roles, tables
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart, Days
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Component,
    EmptyState,
    Nothing,
    Option,
    PageHeader,
    Select,
    State,
)
from recsite.dashboard.filling import Filling
from recsite.dashboard.graphics import Bar
from recsite.dashboard.kept import Kept
from recsite.dashboard.queries import data as queries
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries.data import Counted, DeadLetters, Gap, TypeRow
from recsite.dashboard.readiness import Checked
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

IMPORTS_SHOWN = 10
STREAM_SHOWN = 12
CSV_HEADER = ("of", "attribute", "missing", "total", "share", "instead", "worst_department", "worst_share")
STRATEGIES = {
    "personal": "Recommended for you",
    "buy_again": "Buy again",
    "bought_together": "Bought together",
    "basket": "Basket",
    "similar": "Similar products",
    "trending": "Trending",
    "popular": "Best sellers",
    "recently_viewed": "Recently viewed",
}
LABELS = {"image_url": "Picture", "title": "Title", "category": "Category", "brand": "Brand", "price": "Shelf price"}
_TONES = {"ready": "good", "works, thin": "warn", "not ready": "bad"}
_OUTCOMES = {"accepted": "good", "unjoined": "warn", "duplicate": "neutral", "rejected": "bad"}
_STATES = {"queued": "accent", "running": "accent", "stored": "good", "refused": "warn", "failed": "bad"}
REASONS = {
    "ambiguous": "Names a shopper and a visitor, or neither",
    "bad_event_id": "The event's id is no UUID",
    "bad_time": "The time cannot be read",
    "in_the_future": "More than a day in the future",
    "missing": "A field is missing",
    "not_an_object": "Not an event at all",
    "not_finite": "Not a finite number",
    "not_text": "Not text in UTF-8",
    "out_of_range": "A number out of its range",
    "too_large": "Too large",
    "too_long": "A text that is too long",
    "too_old": "Older than the shop keeps",
    "unknown_type": "The type is not declared",
    "wrong_type": "A field of another type",
}


@dataclass(frozen=True)
class Stream:
    """The newest posted events. ``url`` is asked for this same fragment every two seconds, unless ``paused``."""

    template: ClassVar[str] = "partials/stream.html"
    table: Table
    rate: State
    url: str
    paused: bool


@dataclass(frozen=True)
class ImportList:
    """The imports; ``url`` is asked for this same fragment while one of them runs."""

    template: ClassVar[str] = "partials/imports.html"
    table: Table
    url: str = ""


@dataclass(frozen=True)
class Upload:
    """The form for a file; ``error`` says what was wrong with the last one."""

    template: ClassVar[str] = "partials/upload.html"
    action: str
    kind: Select
    error: str = ""
    limit: str = ""


@dataclass(frozen=True)
class DataPage:
    """The page's blocks, in order; ``upload`` is the admin's."""

    header: PageHeader
    readiness: Table
    checked: str
    missing: Table | EmptyState
    missing_note: str
    imports: ImportList
    upload: Upload | None
    stream: Stream
    days: Chart | Nothing
    rejects: Table
    rejects_note: str
    types: Table
    types_note: str


def build(
    params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str] = frozenset(), error: str = ""
) -> DataPage:
    """What takes long to count is kept for ten minutes; ``check again`` in the address's view counts anew."""
    checked, counted = readiness.checked(), counts(shop)
    may_import = roles.IMPORT in permissions
    letters = queries.dead_letters()
    return DataPage(
        header=_header(may_import),
        readiness=_readiness(checked),
        checked=f"checked {numbers.ago(checked.at)} · 75\u2009% is ready, 50\u2009% works",
        missing=_missing(counted),
        missing_note=f"{numbers.plural(_products(counted), 'product')}, "
        f"{numbers.plural(counted.shoppers.shoppers, 'shopper')}",
        imports=import_list(params),
        upload=upload(params.get("kind", ""), error) if may_import else None,
        stream=stream(params, shop),
        days=_days(counted),
        rejects=_rejects(letters, may_import),
        rejects_note=numbers.plural(sum(one.count for one in letters), "event") + " waiting" if letters else "",
        types=_types(counted.types),
        types_note="the newest 28 days of the log",
    )


_KEPT: Kept[Counted] = Kept("data health", seconds=readiness.KEPT)


def counts(shop: Shop, *, again: bool = False) -> Counted:
    """What was counted in the last ten minutes or so, or since the last finished import."""
    last = Import.objects.filter(finished_at__isnull=False).order_by("-finished_at").values_list("pk", "finished_at")
    key = (last.first(), shop.zone.key)
    return (_KEPT.again if again else _KEPT.get)(lambda: queries.counted(shop), key)


def check_again(shop: Shop) -> None:
    """Count anew what is kept."""
    readiness.checked(again=True)
    counts(shop, again=True)


def _header(may_import: bool) -> PageHeader:
    return PageHeader(
        "Data health",
        "Can each strategy work with the data that arrives?",
        actions=[
            Action("Export CSV", page("data", format="csv"), "quiet", download=True),
            *([Action("Import…", "#import")] if may_import else []),
            Action("Check again", page("data", check="again"), "primary"),
        ],
    )


# --- Readiness ---


def _readiness(checked: Checked) -> Table:
    used: dict[str, list[str]] = {}
    for title, strategy in Placement.objects.filter(is_active=True).values_list("title", "strategy"):
        used.setdefault(strategy, []).append(title)
    columns = [
        Column("Strategy"),
        Column("Readiness", wide=True),
        Column("Share", numeric=True),
        Column("State", wide=True),
        Column("Why"),
        Column("Mend it", wide=True, unseen=True),
    ]
    rows = [
        _readiness_row(name, title, checked.strategies[name], used.get(name, []))
        for name, title in STRATEGIES.items()
        if name in checked.strategies
    ]
    return Table("Readiness by strategy", columns, rows, id="readiness")


def _readiness_row(name: str, title: str, found: Readiness, placements: Sequence[str]) -> Row:
    tone = _TONES[found.state]
    mend = _mend(name, found)
    note = f"in {', '.join(placements)}" if placements else "in no placement"
    return Row(
        id=f"ready-{name}",
        cells=[
            Cell(title, note=note),
            Cell(Bar(max(found.share, 0.01), tone)),
            Cell(numbers.percent(found.share, 0)),
            Cell(Badge(found.state, tone)),
            Cell(found.words, note=" ".join(found.causes)),
            Cell(mend.label, href=mend.href) if mend else Cell(""),
        ],
    )


def _mend(name: str, found: Readiness) -> Action | None:
    """The one click to where the cause is mended, where there is one."""
    if found.state == "ready":
        return None
    words = " ".join((found.words, *found.causes))
    if "model" in words or "profile" in words:
        return next(iter(linked(Action("Train a model", page("models")))), None)
    if "ever arrived" in words or "views" in words or "purchases" in words:
        return Action("Post events", page("docs"))
    return None


# --- Missing values ---


def _products(counted: Counted) -> int:
    return counted.gaps[0].total if counted.gaps else 0


def label_of(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _missing(counted: Counted) -> Table | EmptyState:
    if not _products(counted):
        return EmptyState(
            "No products yet",
            "Import a catalogue, or post it product by product. What it lacks is listed here.",
            tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Milk")],
        )
    filled = filling.in_force()
    columns = [
        Column("Attribute"),
        Column("Missing", numeric=True),
        Column("Share", wide=True),
        Column("What we do instead"),
        Column("Where", wide=True),
    ]
    rows = [_gap_row(gap, filled) for gap in counted.gaps] + _shopper_rows(counted, filled)
    return Table("Missing values by attribute", columns, rows, id="missing")


def _gap_row(gap: Gap, filled: Filling) -> Row:
    where = _where(gap)
    return Row(
        href=page("products", missing=gap.name) if gap.missing else "",
        cells=[
            Cell(label_of(gap.name)),
            Cell(_share(gap.share)),
            Cell(Bar(gap.share, "warn" if gap.share >= 0.2 else "accent")),
            Cell(filled.instead_of(gap.name), note=filled.note(gap.name), tone="" if gap.missing else "muted"),
            Cell(where, tone="muted"),
        ],
    )


def _where(gap: Gap) -> str:
    if not gap.missing:
        return numbers.NONE
    if gap.missing < 100 or gap.share >= 0.99 or gap.worst_share < 1.5 * gap.share:
        return numbers.plural(gap.missing, "product")
    return f"{_share(gap.worst_share)} in {gap.worst}"


def _share(share: float) -> str:
    """Two digits where one would say nothing."""
    return numbers.percent(share, 2 if 0 < share < 0.001 else 0 if share in (0.0, 1.0) else 1)


def _shopper_rows(counted: Counted, filled: Filling) -> list[Row]:
    people = counted.shoppers
    if not people.shoppers:
        return []
    rows = []
    for name, given in (("age", people.with_age), ("gender", people.with_gender), ("income", people.with_income)):
        share = 1 - given / people.shoppers
        rows.append(
            Row(
                cells=[
                    Cell(f"Shopper {name}"),
                    Cell(_share(share)),
                    Cell(Bar(share, "warn" if share >= 0.2 else "accent")),
                    Cell(filled.instead_of(name), note=filled.note(name)),
                    Cell(f"{numbers.count(given)} of {numbers.count(people.shoppers)} gave it", tone="muted"),
                ]
            )
        )
    return rows


def csv_rows(shop: Shop) -> Iterator[tuple[object, ...]]:
    """The table of missing values under ``CSV_HEADER``."""
    counted, filled = counts(shop), filling.in_force()
    for gap in counted.gaps:
        figures = (gap.missing, gap.total, round(gap.share, 4))
        yield ("product", gap.name, *figures, filled.instead_of(gap.name), gap.worst, round(gap.worst_share, 4))
    people = counted.shoppers
    for name, given in (("age", people.with_age), ("gender", people.with_gender), ("income", people.with_income)):
        missing = people.shoppers - given
        share = round(missing / people.shoppers, 4) if people.shoppers else ""
        yield ("shopper", name, missing, people.shoppers, share, filled.instead_of(name), "", "")


# --- Imports ---


def import_list(params: Mapping[str, str]) -> ImportList:
    """The newest imports, ten a page. Two queries."""
    rows = imports().select_related("requested_by")
    total = rows.count()
    number = tables.page_number(params, total, IMPORTS_SHOWN)
    shown = list(rows[(number - 1) * IMPORTS_SHOWN : number * IMPORTS_SHOWN])
    columns = [
        Column("File"),
        Column("When"),
        Column("By", wide=True),
        Column("Rows", numeric=True),
        Column("Rejected", numeric=True, wide=True),
        Column("State"),
    ]
    rest = {key: value for key, value in params.items() if key == "page"}
    table = Table(
        "Imports, the newest first",
        columns,
        [_import_row(row) for row in shown],
        pager=tables.pager(page=number, total=total, noun="imports", params=rest, size=IMPORTS_SHOWN)
        if total > IMPORTS_SHOWN
        else None,
        empty=Nothing("Nothing was imported yet", "A catalogue first, then shoppers and what they bought."),
        id="imports-table",
    )
    running = any(row.status in ("queued", "running") for row in shown)
    return ImportList(table, page("data-imports", **rest) if running else "")


def _import_row(row: Import) -> Row:
    by = row.requested_by.get_username() if row.requested_by else "a command"
    return Row(
        href=page("import", row.pk),
        cells=[
            Cell(row.file_name, note=row.kind),
            Cell(numbers.moment(row.started_at)),
            Cell(by, tone="" if row.requested_by else "muted"),
            Cell(numbers.count(row.rows_read)),
            Cell(numbers.count(row.rejected), tone="bad" if row.rejected else "muted"),
            Cell(import_state(row)),
        ],
    )


def import_state(row: Import) -> Component:
    """The import's state in a word; while it runs, how far it is."""
    if row.status == Import.Status.RUNNING:
        return Badge(f"{row.progress:.0%} {row.step}".strip().replace("%", "\u2009%"), "accent")
    return Badge(row.status, _STATES.get(row.status, "neutral"))


KINDS = {
    "events": "Events: shopper_id, product_id and what else there is (type, at, quantity, price …)",
    "products": "Products: product_id and what else there is (title, category, brand, price …)",
    "shoppers": "Shoppers: shopper_id and what else there is (age, gender, income …)",
}


def upload(kind: str = "", error: str = "") -> Upload:
    """The empty form; ``error`` stands beside the file."""
    options = [Option(name, words, name == kind) for name, words in KINDS.items()]
    return Upload(
        page("import-upload"),
        Select("kind", "What the file holds", options),
        error,
        f"CSV (.csv or .csv.gz, UTF-8, with a header) or Parquet, up to {settings.UPLOAD_MAX_MIB:,} MiB",
    )


# --- The stream ---


def stream(params: Mapping[str, str], shop: Shop) -> Stream:
    """The newest posted events with what became of them: from Redis, and one query for their products."""
    paused = params.get("paused") == "1"
    found = sight.arrivals(STREAM_SHOWN)
    return Stream(_stream_table(found or [], shop, down=found is None), _rate(), page("data-stream"), paused)


def _rate() -> State:
    lately = sight.lately(1)
    if lately is None:
        return State("Redis does not answer", "bad")
    per_second = lately.events / 60
    if not lately.events:
        return State("nothing in the last minute", "neutral")
    return State(f"{numbers.decimal(per_second, 1 if per_second < 100 else 0)} per second", "good")


def _stream_table(found: Sequence[Arrival], shop: Shop, *, down: bool) -> Table:
    columns = [Column("Came"), Column("Outcome"), Column("Type", wide=True), Column("What")]
    known = product_queries.by_external_ids({one.product for one in found if one.product})
    empty = Nothing(
        "Redis does not answer" if down else "No event was posted in the last 24 hours",
        "What is posted is stored all the same." if down else "Post one with POST /api/v1/events: it shows up here.",
        [Action("How to post events", page("docs"), small=True)],
    )
    return Table(
        "Posted events, the newest first", columns, [_arrival_row(one, known, shop) for one in found], None, empty
    )


def _arrival_row(one: Arrival, known: Mapping[str, product_queries.Product], shop: Shop) -> Row:
    came = datetime.fromtimestamp(one.at, UTC).astimezone(shop.zone)
    simulated = SIMULATED if one.source == "simulator" else None
    what = _rejected(one) if one.outcome == "rejected" else _arrived(one, known, shop)
    return Row(
        [
            Cell(f"{came:%H:%M:%S}", tone="muted"),
            Cell(Badge(one.outcome, _OUTCOMES.get(one.outcome, "neutral"))),
            Cell(one.type or numbers.NONE, badge=simulated),
            what,
        ]
    )


def _rejected(one: Arrival) -> Cell:
    return Cell(one.message, note=f"{one.code}{f', field {one.field}' if one.field else ''}")


def _arrived(one: Arrival, known: Mapping[str, product_queries.Product], shop: Shop) -> Cell:
    product = known.get(one.product)
    parts = [f"{one.kind} {one.who}"]
    if product is not None and not product.is_stub:
        parts.append(names.full_name(product))
    elif one.product:
        parts.append(f"product № {one.product} is not in the catalogue yet")
    if one.price is not None:
        parts.append(numbers.price(one.price, shop.currency))
    if one.quantity is not None and one.quantity != 1:
        parts.append(f"{one.quantity:g} units")
    if one.placement:
        parts.append(f"{one.placement}{f', position {one.position}' if one.position else ''}")
    return Cell(" · ".join(parts))


def _days(counted: Counted) -> Chart | Nothing:
    if not counted.days:
        return Nothing("No event yet", "Lines per day are drawn once events arrive.")
    values = [value or None for value in counted.days]
    return charts.day_bars(id="lines", what="Events per day", days=Days(counted.first_day, values), height=220)


# --- Dead letters ---


def _rejects(letters: Sequence[DeadLetters], may_replay: bool) -> Table:
    columns = [
        Column("Reason"),
        Column("The newest of them", wide=True),
        Column("Waiting", numeric=True),
        Column("Last", wide=True),
        Column("File", unseen=True),
        *([Column("Try again", unseen=True)] if may_replay else []),
    ]
    rows = [_reject_row(one, may_replay) for one in letters]
    empty = Nothing("No event waits", "Whatever is refused is kept here with its reason, to be mended and replayed.")
    return Table("Refused events that wait, by reason", columns, rows, None, empty, id="rejects")


def _reject_row(one: DeadLetters, may_replay: bool) -> Row:
    again = Action("Replay", page("data-replay"), post=True, fields={"code": one.code, "field": one.field}, small=True)
    title = REASONS.get(one.code, one.code.replace("_", " ").capitalize())
    payload = one.payload or "null"
    shown = payload if len(payload) <= 160 else payload[:159] + "…"
    return Row(
        [
            Cell(title, note=f"{one.code}{f', field {one.field}' if one.field else ''}"),
            Cell(one.message, note=shown),
            Cell(numbers.count(one.count)),
            Cell(numbers.moment(one.newest)),
            Cell("CSV", href=page("data-rejects", code=one.code, field=one.field)),
            *([Cell(again)] if may_replay else []),
        ]
    )


# --- Event types ---


def _types(rows: Sequence[TypeRow]) -> Table:
    columns = [
        Column("Type"),
        Column("Weight in training", numeric=True, wide=True),
        Column("A success", wide=True),
        Column("Events", numeric=True),
        Column("Simulated", numeric=True),
        Column("Newest", wide=True),
    ]
    return Table("Declared event types", columns, [_type_row(row) for row in rows], id="types")


def _type_row(row: TypeRow) -> Row:
    return Row(
        [
            Cell(row.name, note="" if row.is_builtin else "the shop's own"),
            Cell(numbers.decimal(row.weight, 1)),
            Cell("yes" if row.is_target else "no", tone="" if row.is_target else "muted"),
            Cell(numbers.count(row.events) if row.events else "none", tone="" if row.events else "muted"),
            Cell(numbers.count(row.simulated) if row.simulated else numbers.NONE, tone="muted"),
            Cell(numbers.moment(row.newest) if row.newest else numbers.NONE),
        ]
    )
