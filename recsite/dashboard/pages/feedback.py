"""Feedback: what happens after a list is shown, split by whatever one likes, beside the period before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.utils import timezone

from behavior.queries import newest_event_at
from recommender import feedback
from recommender.feedback import Counts, Rate, Scope
from recsite.dashboard import charts, numbers, roles
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.charts import Chart, Days, Event, Legend, Unit
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    EmptyState,
    Fact,
    Facts,
    FilterBar,
    Nothing,
    Option,
    PageHeader,
    Segment,
    Segments,
    Select,
)
from recsite.dashboard.graphics import Bars, funnel_bars
from recsite.dashboard.pages import feedback_tables
from recsite.dashboard.pages.feedback_tables import PARTS, Naming, Split
from recsite.dashboard.queries import feedback as queries
from recsite.dashboard.queries.coverage import coverage, variety
from recsite.dashboard.ranges import DateRange, Range, read_range
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

POSITIONS = 20  # drawn
MARKS = 3  # events written into the trend at most
SOURCES = {"api": "Real shoppers only", "simulator": "Simulated only"}
#: Parameters that narrow, beside the days.
NARROWING = ("placement", "run", "segment", "source", *PARTS)


@dataclass(frozen=True)
class Measure:
    """What the trend can show: of a day's counts its value, and its rate where it is one."""

    label: str
    rate: Callable[[Counts], Rate | None] | None = None
    more_is_better: bool = True


MEASURES = {
    "clicks": Measure("Click rate", lambda counts: counts.click_rate),
    "ignored": Measure("Ignored", lambda counts: counts.ignore_rate, more_is_better=False),
    "bought": Measure("Bought after click", lambda counts: counts.conversion),
    "revenue": Measure("Revenue"),
}


@dataclass(frozen=True)
class FeedbackPage:
    """Funnel and trend, one table with its split, positions beside what clicks do not tell, how all this is counted.

    ``empty`` stands for all blocks before the first list; a block without data is a ``Nothing``.
    """

    header: PageHeader
    filters: FilterBar | None
    empty: EmptyState | None
    simulated: Badge | None
    funnel: Bars | Nothing
    revenue: Facts | None
    funnel_csv: Action
    trend: Chart | Nothing
    trend_title: str
    trend_choice: Segments
    trend_csv: Action
    legend: Legend | None
    verdict: str
    table: Table
    table_title: str
    table_note: str
    table_csv: Action
    split_choice: Segments
    connect_href: str
    positions: Chart | Nothing
    positions_note: str
    positions_csv: Action | None
    beyond: Table
    beyond_csv: Action
    beyond_note: str
    counting: Sequence[str]
    counted: str
    attribution: Action | None


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the days, the part of the lists, the same of the period before, split and measure."""

    days: Range
    scope: Scope
    earlier: Scope | None
    split: str
    measure: str
    params: Mapping[str, str]

    @property
    def narrowed(self) -> bool:
        return any(self.params.get(name) for name in NARROWING)


def read(params: Mapping[str, str], newest: date) -> Asked:
    """Unknown names narrow to nothing, an unknown split or measure is the first one."""
    days = read_range(params, newest=newest)
    scope = read_scope(params, days)
    wanted = params.get("split", "placement")
    split = wanted if wanted in scope.splits and wanted in feedback_tables.TITLES else "placement"
    measure = params.get("trend", "clicks")
    before = days.before
    earlier = replace(scope, first=before.first, last=before.last) if before else None
    return Asked(days, scope, earlier, split, measure if measure in MEASURES else "clicks", params)


def read_scope(params: Mapping[str, str], days: Range) -> Scope:
    """``none`` stands for the empty segment and the empty category, which no address can hold."""

    def value(name: str) -> str | None:
        found = params.get(name, "").replace("\0", "")  # which Postgres takes in no text
        return None if not found else "" if found == feedback_tables.NOTHING else found

    run = value("run")
    part = next(((name, found) for name in PARTS if (found := value(name)) is not None), None)
    return Scope(
        days.first,
        days.last,
        placement=value("placement"),
        run=None if run is None else int(run) if run.isdecimal() and len(run) < 19 else -1,
        segment=value("segment"),
        source=value("source"),
        part=part,
    )


def newest_day(shop: Shop) -> date:
    """Where ranges end: the newest day with lists, else with events, else today."""
    return feedback.newest_day() or shop.day_of(newest_event_at() or timezone.now())


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> FeedbackPage:
    """The newest 28 days with lists unless the address says otherwise. About twenty queries, whatever there is."""
    newest = newest_day(shop)
    asked = read(params, newest)
    naming = Naming(queries.names())
    now = feedback.totals(asked.scope)
    before = feedback.totals(asked.earlier) if asked.earlier else Counts()
    rows = feedback.by("position", asked.scope) if "position" in asked.scope.splits else None
    split = feedback_tables.read_split(asked.split, asked.scope, asked.earlier, naming)
    trend = _trend(asked, now, shop)
    choices = queries.choices()
    return FeedbackPage(
        header=_header(asked, newest),
        filters=_filters(asked, choices, naming) if choices.sources or asked.narrowed else None,
        empty=None if choices.sources else _empty(),
        simulated=_badge(asked.scope),
        funnel=_funnel(now, asked),
        revenue=_revenue(now, before, shop) if now.has_data else None,
        funnel_csv=_csv(asked, table="funnel"),
        trend=trend,
        trend_title=MEASURES[asked.measure].label + " per day",
        trend_choice=_choice("Trend of", asked, "trend", {key: m.label for key, m in MEASURES.items()}, asked.measure),
        trend_csv=_csv(asked, split="day"),
        legend=Legend(trend.legend) if isinstance(trend, Chart) else None,
        verdict=_verdict(now, before, asked),
        table=feedback_tables.table(split, now, asked.params, shop, compared=asked.earlier is not None),
        table_title=f"By {feedback_tables.TITLES[asked.split].lower()}",
        table_note=_never_requested(split, asked),
        table_csv=_csv(asked),
        split_choice=_choice("Split by", asked, "split", _splits(asked), asked.split),
        connect_href=page("docs"),
        positions=_positions(rows, asked),
        positions_note=_positions_note(rows),
        positions_csv=None if rows is None else _csv(asked, split="position"),
        beyond=_beyond_table(asked, now, before, shop),
        beyond_csv=_csv(asked, table="beyond"),
        beyond_note=_beyond_note(asked),
        counting=counting(shop),
        counted=_counted(shop),
        attribution=_attribution(permissions),
    )


def _header(asked: Asked, newest: date) -> PageHeader:
    keep = {key: value for key, value in asked.params.items() if key not in ("from", "to", "compare") and value}
    return PageHeader(
        "Feedback",
        "What happens after a recommendation is shown?",
        actions=[DateRange(asked.days, newest, keep=keep)],
    )


def _badge(scope: Scope) -> Badge | None:
    """Says also when only a part of the numbers is simulated."""
    sources = {row.key for row in feedback.by("source", scope) if row.counts.lists}
    if "simulator" not in sources:
        return None
    return SIMULATED if sources == {"simulator"} else Badge("partly simulated", "simulated")


def _filters(asked: Asked, choices: queries.Choices, naming: Naming) -> FilterBar:
    params = asked.params
    keep = {key: params[key] for key in ("from", "to", "compare", "split", "sort", "trend") if params.get(key)}
    runs = {str(run): naming.of("run", str(run)) for run in choices.runs}
    segments = {name or feedback_tables.NOTHING: naming.of("segment", name) for name in choices.segments}
    selects = [
        _select("placement", "Placement", "All placements", naming.names.placements, params),
        _select("run", "Model", "All models", runs, params),
        _select("segment", "Segment", "All segments", segments, params),
    ]
    if "simulator" in choices.sources:
        selects.append(_select("source", "Source", "Real and simulated", SOURCES, params))
    if asked.scope.part:
        name, key = asked.scope.part
        chosen = {key or feedback_tables.NOTHING: naming.of(name, key)}
        every = f"Any {feedback_tables.TITLES[name].lower()}"
        selects.append(_select(name, feedback_tables.TITLES[name], every, chosen, params))
    return FilterBar(
        action=page("feedback"),
        selects=selects,
        clear_href=changed(keep) if asked.narrowed else "",
        keep=keep,
        search=False,
    )


def _select(name: str, label: str, anything: str, choices: Mapping[str, str], params: Mapping[str, str]) -> Select:
    """A value that the address has and the shop does not stays visible: it is why nothing is found."""
    value = params.get(name, "")
    known = {**choices, value: value} if value and value not in choices else choices
    options = [Option("", anything, not value), *(Option(key, text, key == value) for key, text in known.items())]
    return Select(name, label, options)


def _choice(label: str, asked: Asked, name: str, choices: Mapping[str, str], current: str) -> Segments:
    clear = {"sort": ""} if name == "split" else {}
    items = [
        Segment(text, changed(asked.params, **{name: key, **clear}), key == current) for key, text in choices.items()
    ]
    return Segments(label, items)


def _splits(asked: Asked) -> dict[str, str]:
    return {key: text for key, text in feedback_tables.TITLES.items() if key in asked.scope.splits}


def _csv(asked: Asked, **changes: str) -> Action:
    return Action("CSV", changed(asked.params, format="csv", **changes), small=True, download=True)


# --- Funnel ------------------------------------------------------------------------------------------------------


def _funnel(now: Counts, asked: Asked) -> Bars | Nothing:
    if not now.has_data:
        return nothing(now, asked)
    steps = funnel_steps(now)
    return funnel_bars([(label, count, note) for _, label, count, note in steps[:4]], apart=[steps[4][1:]])


def funnel_steps(now: Counts) -> list[tuple[str, str, int, str]]:
    """Each step: its word in a file, its label, how many products, and which share of what."""
    return [
        ("shown", "Shown", now.shown, f"in {numbers.plural(now.lists, 'list')}"),
        ("clicked", "Clicked", now.clicked, _share(now.click_rate, "shown")),
        ("carted", "In basket", now.carted, _share(feedback.wilson(now.carted, now.shown), "shown")),
        ("bought", "Bought", now.bought, _share(feedback.wilson(now.bought, now.clicked), "clicks", 1)),
        ("ignored", "Ignored", now.ignored, _share(now.ignore_rate, "shown", 1)),
    ]


def _share(rate: Rate | None, of: str, digits: int = 2) -> str:
    return "no data" if rate is None else f"{numbers.percent(rate.value, digits)} of {of}"


def nothing(now: Counts, asked: Asked) -> Nothing:
    """Why there is nothing to show, and how to widen."""
    clear = changed({key: value for key, value in asked.params.items() if key not in NARROWING})
    actions = [Action("Clear filters", clear, small=True)] if asked.narrowed else []
    if now.served:
        text = f"{numbers.plural(now.lists, 'list')} went out, and the shop reported no impression or click of them."
        return Nothing(f"Nobody saw a list, {asked.days.text}", text, actions)
    return Nothing(f"Nothing was shown, {asked.days.text}", "No list was asked for in this range.", actions)


def _revenue(now: Counts, before: Counts, shop: Shop) -> Facts:
    def fact(term: str, amount: float, earlier: float) -> Fact:
        note = f"{numbers.money(earlier, shop.currency)} before" if before.has_data else ""
        return Fact(term, numbers.money(amount, shop.currency), note)

    by_view = f"of {numbers.plural(now.bought_by_view, 'product')} seen and bought without a click"
    return Facts(
        [
            fact("After a click", now.revenue, before.revenue),
            Fact("After seeing", numbers.money(now.revenue_by_view, shop.currency), by_view),
            fact("Per 1,000 shown", now.revenue_per_thousand or 0.0, before.revenue_per_thousand or 0.0),
        ]
    )


# --- Trend -------------------------------------------------------------------------------------------------------


def _trend(asked: Asked, now: Counts, shop: Shop) -> Chart | Nothing:
    if not now.has_data:
        return Nothing("No trend", "A line begins with the first day on which something was shown.")
    measure = MEASURES[asked.measure]
    return charts.line_chart(
        id="trend",
        what=measure.label,
        now=_days(asked.scope, measure, band=True),
        before=_days(asked.earlier, measure) if asked.earlier else None,
        unit=charts.PERCENT if measure.rate else Unit("money", shop.currency),
        events=_marks(asked, shop),
        from_zero=measure.rate is None,
        height=320,
    )


def _days(scope: Scope, measure: Measure, *, band: bool = False) -> Days:
    days = [counts for _, counts in feedback.daily(scope)]
    if measure.rate is None:
        return Days(scope.first, [None if one is None else one.revenue + one.revenue_by_view for one in days])
    rates = [None if one is None else measure.rate(one) for one in days]
    values = [None if rate is None else rate.value for rate in rates]
    if not band:
        return Days(scope.first, values if any(value is not None for value in values) else ())
    low, high = ([None if r is None else getattr(r, side) for r in rates] for side in ("low", "high"))
    return Days(scope.first, values, low, high)


def _marks(asked: Asked, shop: Shop) -> list[Event]:
    """Where another model began to serve; the newest few, or the words would cover the line."""
    found: dict[date, str] = {}
    for switch in queries.switches(*span(asked.days, shop)):
        found[shop.day_of(switch.at)] = f"Model {switch.generation.run_id} {switch.reason.replace('_', ' ')}"
    return [Event(day, words) for day, words in list(found.items())[-MARKS:]]


def span(days: Range, shop: Shop) -> tuple[datetime, datetime]:
    """The moments at which a range of days begins and has ended."""
    return shop.midnight(days.first), shop.midnight(days.last + timedelta(days=1))


def _verdict(now: Counts, before: Counts, asked: Asked) -> str:
    """Whether the rate that is drawn differs from the period before by more than chance."""
    measure = MEASURES[asked.measure]
    rate = measure.rate(now) if measure.rate else None
    if measure.rate is None or rate is None:
        return ""
    earlier = measure.rate(before)
    text = f"{measure.label} {numbers.percent(rate.value)} ({numbers.interval(rate.hits, rate.of)})"
    change = feedback.difference(rate, earlier)
    if earlier is None or change is None:
        return f"{text}. Nothing was shown in the period before." if asked.earlier else f"{text}."
    if rate.too_few or earlier.too_few:
        return f"{text}, {numbers.percent(earlier.value)} before. Too few to judge the difference."
    text += f" against {numbers.percent(earlier.value)} before: "
    bounds = f"{numbers.signed(100 * change[1])} to {numbers.signed(100 * change[2])} points"
    if change[1] <= 0 <= change[2]:
        return f"{text}a difference that chance alone can make ({bounds})."
    return f"{text}{'up' if change[0] > 0 else 'down'} {numbers.points(change[0])}, more than chance makes ({bounds})."


# --- The table and positions -------------------------------------------------------------------------------------


def _never_requested(split: Split, asked: Asked) -> str:
    """Which placements the shop never asked for in the range, in words; not where a filter may have hidden them."""
    unasked = [line.name for line in split.lines if not line.counts.served] if split.name == "placement" else []
    if asked.narrowed or not unasked or len(unasked) == len(split.lines):
        return ""
    names = " and ".join(filter(None, [", ".join(unasked[:-1]), unasked[-1]]))
    return f"{names} {'was' if len(unasked) == 1 else 'were'} not requested in this range:"


def _positions(rows: Sequence[feedback.Row] | None, asked: Asked) -> Chart | Nothing:
    if rows is None:
        return Nothing(
            "Not counted by position within this filter", "Positions are counted over all products of a list."
        )
    shown = {int(row.key): row for row in rows if row.counts.has_data and row.key.isdecimal()}
    if not shown:
        return Nothing("No data", "The chart begins with the first list that somebody saw.")
    places = sorted(shown)[:POSITIONS]
    rates = [shown[place].counts.click_rate for place in places]
    return charts.bar_chart(
        id="positions",
        what="Click rate",
        labels=[str(place) for place in places],
        values=[None if rate is None or rate.too_few else rate.value for rate in rates],
        unit=charts.PERCENT,
        axis="Position in the list",
        height=320,
        links=[page("feedback") + changed(asked.params, position=str(place), category="", rule="") for place in places],
    )


def _positions_note(rows: Sequence[feedback.Row] | None) -> str:
    """How much the first place is ahead of the last one that was shown often enough."""
    judged = {
        int(row.key): rate.value
        for row in rows or ()
        if row.key.isdecimal() and (rate := row.counts.click_rate) and not rate.too_few
    }
    if not rows or not judged:
        return "Too few to judge" if rows else ""
    first, last = min(judged), max(place for place in judged if place <= POSITIONS or place == min(judged))
    if first == last or not judged[last]:
        return ""
    return f"Position {first} gets {judged[first] / judged[last]:.1f} × the clicks of position {last}"


# --- Beyond clicks -----------------------------------------------------------------------------------------------


def _beyond_note(asked: Asked) -> str:
    text = "Offline: on the days after the model's own training data; two models may have been measured on others."
    return f"Of whole lists: a category, position or rule has none of its own. {text}" if asked.scope.part else text


@dataclass(frozen=True)
class Beyond:
    """One line: what it tells and how it is measured, now and before, as written and as a number."""

    label: str
    note: str
    now: str
    before: str
    values: tuple[float | None, float | None]


def beyond(asked: Asked, now: Counts, before: Counts, shop: Shop) -> list[Beyond]:
    """What clicks do not tell, beside the click rate: what the lists held, and the offline quality of what serves."""
    rates = [rate.value if rate else None for rate in (now.click_rate, before.click_rate)]
    return [
        _line("Click rate", "of what was shown", rates, numbers.percent),
        *_lists(asked, shop),
        *_offline(),
    ]


def _lists(asked: Asked, shop: Shop) -> Iterator[Beyond]:
    scopes = [(asked.days, asked.scope), (asked.days.before, asked.earlier)]
    covered = [coverage(*span(days, shop), scope) if days else None for days, scope in scopes]
    varied = [variety(*span(days, shop), scope) if days else None for days, scope in scopes]
    first = covered[0]
    of = f"{numbers.count(first.shown)} of {numbers.count(first.sellable)} products" if first else ""
    yield _line(
        "Catalogue shown", f"{of} in a list at least once", [c.share if c else None for c in covered],
        lambda value: numbers.percent(value, 1),
    )  # fmt: skip
    yield _line(
        "Variety", "different categories in the first 10", [v.categories if v else None for v in varied],
        numbers.decimal,
    )  # fmt: skip


def _offline() -> Iterator[Beyond]:
    """Of the lists of the model that serves, and of the one before it, on later days that neither had seen."""
    serving, former = queries.measured()
    if serving is None:
        return
    which = f"offline, model {serving.run}" + (f"; before: model {former.run}" if former else "")

    def line(label: str, note: str, side: str, key: str, write: Callable[[float | None], str]) -> Beyond:
        values = [getattr(one, side).get(key) if one else None for one in (serving, former)]
        return _line(label, f"{note} · {which}", values, write)

    yield line("NDCG@10, any product", "what they bought later", "any_item", "ndcg@10", numbers.metric)
    yield line("NDCG@10, new to them", "what they had not bought before", "new_items", "ndcg@10", numbers.metric)
    yield line(
        "Hit rate in 10", "a later purchase is in the list", "any_item", "hit_rate@10",
        lambda value: numbers.percent(value, 1),
    )  # fmt: skip
    yield line(
        "Diversity", "pairs in a list from different categories", "lists", "diversity@10",
        lambda value: numbers.percent(value, 1),
    )  # fmt: skip
    yield line("Novelty", "median buyers of a product in a list", "lists", "median_buyers@10", numbers.count)


def _line(label: str, note: str, values: Sequence[float | None], write: Callable[[float | None], str]) -> Beyond:
    now, before = values
    return Beyond(label, note, "no data" if now is None else write(now), write(before), (now, before))


def _beyond_table(asked: Asked, now: Counts, before: Counts, shop: Shop) -> Table:
    columns = [Column("What it tells"), Column("Now", numeric=True), Column("Before", numeric=True)]
    rows = [
        Row([Cell(one.label, note=one.note), Cell(one.now, tone="strong"), Cell(one.before, tone="muted")])
        for one in beyond(asked, now, before, shop)
    ]
    return Table("Beyond clicks", columns, rows)


# --- How it is counted -------------------------------------------------------------------------------------------


def counting(shop: Shop) -> list[str]:
    """Attribution in words, with the shop's own windows."""
    click, view = in_hours(shop.click_window), in_hours(shop.view_window)
    return [
        "A product counts as shown when the shop reports an impression of it or of its list, or a click on it. "
        "Shown and not clicked is ignored.",
        f"A basket or purchase counts for a list when the same shopper clicked that product there in the {click} "
        f"before. Without a click it counts as “after seeing” when they saw it there in the {view} before.",
        "Each purchase counts once: for the latest click, else for the latest list in which they saw it.",
        "Everything counts on the day of the list, so the newest days still grow.",
        f"Intervals hold the true rate in 95 of 100 cases; of fewer than {feedback.TOO_FEW} shown nothing is judged. "
        "They take each showing for itself: where a few shoppers see very much, they are a little too narrow.",
    ]


def in_hours(window: timedelta) -> str:
    """``24 hours``, as it stands in "in the … before"; one hour is "hour"."""
    hours = window.total_seconds() / 3600
    return "hour" if hours == 1 else f"{numbers.decimal(hours, 0 if hours == int(hours) else 1)} hours"


def _counted(shop: Shop) -> str:
    """How fresh the counts are, and whether they still go by other windows than the settings."""
    progress = queries.counted_to()
    if progress is None or progress.counted_to is None:
        return "Nothing is counted yet: a worker counts every half minute."
    if (progress.click_window, progress.view_window) != (shop.click_window, shop.view_window):
        return (
            f"These numbers still count what was clicked in the {in_hours(progress.click_window)} and seen in the "
            f"{in_hours(progress.view_window)} before; a worker counts them anew by the new windows."
        )
    return f"Counted {numbers.ago(progress.counted_to)}."


def _attribution(permissions: frozenset[str]) -> Action | None:
    """The way to the windows, for those who may change them."""
    if roles.EDIT_SHOP not in permissions:
        return None
    href = page("settings-attribution") or page("settings-shop") or page("settings")
    return next(iter(linked(Action("Change attribution", href, "link"))), None)


def _empty() -> EmptyState:
    return EmptyState(
        "No list was served yet",
        "Numbers appear once the shop asks for lists and reports what shoppers saw, clicked and bought.",
        actions=linked(
            Action("How to connect the shop", page("docs"), "primary"),
            Action("See a list in Preview", page("preview")),
        ),
        tiles=[tile(key=word, title=word) for word in ("Bananas", "Bread", "Milk")],
    )


# --- Files -------------------------------------------------------------------------------------------------------

FUNNEL_HEADER = ("step", "products", "of_shown", "before")
BEYOND_HEADER = ("measure", "how", "now", "before")


def csv(params: Mapping[str, str], shop: Shop) -> tuple[str, Sequence[str], Iterator[Sequence[object]]]:
    """The name, header and rows of the file that the address asks for: ``table`` funnel or beyond, else the split."""
    asked = read(params, newest_day(shop))
    table = params.get("table", "")
    if table == "funnel":
        return "feedback-funnel", FUNNEL_HEADER, _funnel_rows(asked)
    if table == "beyond":
        return "feedback-beyond-clicks", BEYOND_HEADER, _beyond_rows(asked, shop)
    split = feedback_tables.read_split(asked.split, asked.scope, asked.earlier, Naming(queries.names()))
    return f"feedback-by-{asked.split}", feedback_tables.CSV_HEADER, feedback_tables.csv_rows(split)


def _totals(asked: Asked) -> tuple[Counts, Counts]:
    return feedback.totals(asked.scope), feedback.totals(asked.earlier) if asked.earlier else Counts()


def _funnel_rows(asked: Asked) -> Iterator[Sequence[object]]:
    now, before = _totals(asked)
    earlier = {step: count for step, _, count, _ in funnel_steps(before)} if before.has_data else {}
    for step, _, count, _ in funnel_steps(now) if now.has_data else ():
        yield step, count, round(count / now.shown, 6), earlier.get(step)


def _beyond_rows(asked: Asked, shop: Shop) -> Iterator[Sequence[object]]:
    for one in beyond(asked, *_totals(asked), shop):
        yield one.label, one.note, *one.values
