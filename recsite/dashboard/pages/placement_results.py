"""How ready a placement's strategy is, and what came of its lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from recommender import feedback
from recommender.feedback import Scope
from recommender.readiness import Readiness
from recsite.dashboard import numbers
from recsite.dashboard.components import Delta, Stat, State, delta_of_rates, noise_of
from recsite.dashboard.graphics import Bar
from recsite.dashboard.readiness import TONES
from recsite.dashboard.shop import Shop

DAYS = 28  # the newest, that a placement is judged by


@dataclass(frozen=True)
class Ready:
    """How ready the strategy is, as a bar with its state, and in words."""

    bar: Bar
    state: State
    share: str
    words: str


@dataclass(frozen=True)
class Results:
    """What came of each placement in the newest days that there are."""

    text: str
    rows: Mapping[str, feedback.Row]
    simulated: bool


def results() -> Results:
    """Of the newest 28 days with lists, beside the 28 before. Four queries."""
    last = feedback.newest_day()
    if last is None:
        return Results("no list was served yet", {}, False)
    scope = Scope(last - timedelta(days=DAYS - 1), last)
    rows = {row.key: row for row in feedback.by("placement", scope)}
    return Results(numbers.date_range(scope.first, scope.last), rows, feedback.is_simulated(scope))


def figures(came: feedback.Row, shop: Shop) -> list[Stat]:
    """Shown, clicked with the change against the period before, bought, revenue."""
    counts, rate = came.counts, came.counts.click_rate
    revenue, unit = numbers.money_short(counts.attributed_revenue, shop.currency)
    return [
        Stat("Shown", numbers.count(counts.shown)),
        Stat("Clicked", numbers.percent(rate.value if rate else None), delta=_change(came)),
        Stat("Bought", numbers.count(counts.bought)),
        Stat("Revenue", revenue, unit),
    ]


def _change(came: feedback.Row) -> Delta | None:
    now, before = came.counts.click_rate, came.previous.click_rate
    change = feedback.difference(now, before)
    if now is None or before is None or change is None:
        return None
    if now.too_few or before.too_few:
        return Delta("too few to judge")
    delta = delta_of_rates(now.value, before.value, noise=noise_of(change))
    return Delta(delta.text, delta.sign, delta.better)


def ready_of(found: Readiness) -> Ready:
    """The bar of a strategy, with the first cause where it is not full."""
    tone = TONES[found.state]
    words = " ".join([found.words, *found.causes[:1]])
    return Ready(Bar(found.share, tone), State(found.state, tone), numbers.percent(found.share, 0), words)
