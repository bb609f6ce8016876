"""Feedback: what happens after a list is shown, split by whatever one likes, beside the period before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from recommender import feedback
from recommender.feedback import Scope
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart, Legend
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    EmptyState,
    Facts,
    FilterBar,
    Nothing,
    PageHeader,
    Segments,
)
from recsite.dashboard.graphics import Bars
from recsite.dashboard.pages import feedback_tables
from recsite.dashboard.pages.feedback_asked import MEASURES, Asked, csv_action, newest_day, read, totals
from recsite.dashboard.pages.feedback_beyond import BEYOND_HEADER, beyond_note, beyond_rows, beyond_table
from recsite.dashboard.pages.feedback_counting import attribution, counted, counting
from recsite.dashboard.pages.feedback_filters import choice, filters, splits
from recsite.dashboard.pages.feedback_funnel import FUNNEL_HEADER, funnel_of, funnel_rows, revenue_of
from recsite.dashboard.pages.feedback_positions import positions, positions_note
from recsite.dashboard.pages.feedback_tables import Naming, Split
from recsite.dashboard.pages.feedback_trend import trend_of, verdict
from recsite.dashboard.queries import feedback as queries
from recsite.dashboard.ranges import DateRange
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Table
from recsite.dashboard.tiles import tile


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


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> FeedbackPage:
    """The newest 28 days with lists unless the address says otherwise. About twenty queries, whatever there is."""
    newest = newest_day(shop)
    asked = read(params, newest)
    naming = Naming(queries.names())
    now, before = totals(asked)
    rows = feedback.by("position", asked.scope) if "position" in asked.scope.splits else None
    split = feedback_tables.read_split(asked.split, asked.scope, asked.earlier, naming)
    trend = trend_of(asked, now, shop)
    choices = queries.choices()
    return FeedbackPage(
        header=_header(asked, newest),
        filters=filters(asked, choices, naming) if choices.sources or asked.narrowed else None,
        empty=None if choices.sources else _empty(),
        simulated=_badge(asked.scope),
        funnel=funnel_of(now, asked),
        revenue=revenue_of(now, before, shop) if now.has_data else None,
        funnel_csv=csv_action(asked, table="funnel"),
        trend=trend,
        trend_title=MEASURES[asked.measure].label + " per day",
        trend_choice=choice("Trend of", asked, "trend", {key: m.label for key, m in MEASURES.items()}, asked.measure),
        trend_csv=csv_action(asked, split="day"),
        legend=Legend(trend.legend) if isinstance(trend, Chart) else None,
        verdict=verdict(now, before, asked),
        table=feedback_tables.table(split, now, asked.params, shop, compared=asked.earlier is not None),
        table_title=f"By {feedback_tables.TITLES[asked.split].lower()}",
        table_note=_never_requested(split, asked),
        table_csv=csv_action(asked),
        split_choice=choice("Split by", asked, "split", splits(asked), asked.split),
        connect_href=page("docs"),
        positions=positions(rows, asked),
        positions_note=positions_note(rows),
        positions_csv=None if rows is None else csv_action(asked, split="position"),
        beyond=beyond_table(asked, now, before, shop),
        beyond_csv=csv_action(asked, table="beyond"),
        beyond_note=beyond_note(asked),
        counting=counting(shop),
        counted=counted(shop),
        attribution=attribution(permissions),
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


def _never_requested(split: Split, asked: Asked) -> str:
    """Which placements the shop never asked for in the range, in words; not where a filter may have hidden them."""
    unasked = [line.name for line in split.lines if not line.counts.served] if split.name == "placement" else []
    if asked.narrowed or not unasked or len(unasked) == len(split.lines):
        return ""
    names = " and ".join(filter(None, [", ".join(unasked[:-1]), unasked[-1]]))
    return f"{names} {'was' if len(unasked) == 1 else 'were'} not requested in this range:"


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


def csv(params: Mapping[str, str], shop: Shop) -> tuple[str, Sequence[str], Iterator[Sequence[object]]]:
    """The name, header and rows of the file that the address asks for: ``table`` funnel or beyond, else the split."""
    asked = read(params, newest_day(shop))
    table = params.get("table", "")
    if table == "funnel":
        return "feedback-funnel", FUNNEL_HEADER, funnel_rows(asked)
    if table == "beyond":
        return "feedback-beyond-clicks", BEYOND_HEADER, beyond_rows(asked, shop)
    split = feedback_tables.read_split(asked.split, asked.scope, asked.earlier, Naming(queries.names()))
    return f"feedback-by-{asked.split}", feedback_tables.CSV_HEADER, feedback_tables.csv_rows(split)
