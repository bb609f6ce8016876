"""From shown to bought: the funnel, what came of it in money, and why there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recommender import feedback
from recommender.feedback import Counts, Rate
from recsite.dashboard import numbers
from recsite.dashboard.addresses import changed
from recsite.dashboard.components import Action, Fact, Facts, Nothing
from recsite.dashboard.graphics import Bars, funnel_bars
from recsite.dashboard.pages.feedback_asked import NARROWING, Asked, totals
from recsite.dashboard.shop import Shop

FUNNEL_HEADER = ("step", "products", "of_shown", "before")


def funnel_of(now: Counts, asked: Asked) -> Bars | Nothing:
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


def revenue_of(now: Counts, before: Counts, shop: Shop) -> Facts:
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


def funnel_rows(asked: Asked) -> Iterator[Sequence[object]]:
    now, before = totals(asked)
    earlier = {step: count for step, _, count, _ in funnel_steps(before)} if before.has_data else {}
    for step, _, count, _ in funnel_steps(now) if now.has_data else ():
        yield step, count, round(count / now.shown, 6), earlier.get(step)
