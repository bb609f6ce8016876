"""The overview's figures with their changes, and revenue by day."""

from __future__ import annotations

from collections.abc import Callable

from recommender import feedback
from recommender.feedback import Counts, Rate, wilson
from recsite.dashboard import charts, numbers
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart, Days, Unit
from recsite.dashboard.components import (
    Action,
    Delta,
    Nothing,
    Stat,
    StatStrip,
    delta_of_counts,
    delta_of_rates,
    is_noise,
    noise_of,
)
from recsite.dashboard.graphics import Spark
from recsite.dashboard.pages.overview_results import Results, revenue_of
from recsite.dashboard.shop import Shop


def stats(results: Results, shop: Shop) -> StatStrip:
    """Shown, clicked, bought, revenue and the share of the catalogue, each beside the period before."""
    now, before = results.now, results.before or Counts()
    revenue, unit = numbers.money_short(revenue_of(now), shop.currency)
    share = results.coverage.share
    earlier = results.coverage_before.share if results.coverage_before else None
    return StatStrip(
        [
            Stat(
                "Recommendations shown",
                numbers.count(now.shown) if now.has_data else "no data",
                delta=_delta_of_amounts(results, now.shown, before.shown, numbers.count(before.shown)),
                spark=_spark(results, lambda counts: float(counts.shown)),
            ),
            _rate_stat("Click rate", results, lambda counts: counts.click_rate),
            _rate_stat("Bought after click", results, lambda counts: wilson(counts.bought, counts.clicked), digits=1),
            Stat(
                "Attributed revenue",
                revenue if now.has_data else "no data",
                unit,
                delta=_delta_of_amounts(
                    results,
                    revenue_of(now) or 0.0,
                    revenue_of(before) or 0.0,
                    numbers.money(revenue_of(before), shop.currency),
                ),
                spark=_spark(results, lambda counts: revenue_of(counts)),
            ),
            Stat(
                "Catalogue shown",
                "no data" if share is None else numbers.decimal(100 * share),
                "" if share is None else "%",
                delta=delta_of_rates(
                    share,
                    None if results.begins else earlier,
                    note=f"{numbers.count(results.coverage.shown)} of {numbers.count(results.coverage.sellable)}",
                ),
            ),
        ],
        label=f"Recommendations, {results.chosen.text}",
        simulated=results.simulated,
    )


def _delta_of_amounts(results: Results, now: float, before: float, text: str) -> Delta:
    """The change of an amount, which grows with the days that it covers; ``text``: the earlier one as written."""
    if results.begins:
        return delta_of_counts(now, None, note=f"lists since {numbers.day(results.begins)}")
    return delta_of_counts(now, before, note=_before(text, results.before is not None and results.before.has_data))


def _before(text: str, known: bool) -> str:
    return f"{text} before" if known else "no period before"


def _rate_stat(label: str, results: Results, rate_of: Callable[[Counts], Rate | None], digits: int = 2) -> Stat:
    """A rate with its change; within the noise where the interval of the difference holds 0."""
    now, before = rate_of(results.now), rate_of(results.before or Counts())
    change = feedback.difference(now, before)
    within = change is not None and is_noise(change)
    if now is None:
        return Stat(label, "no data", spark=None)
    note = "" if within else _before(numbers.percent(before.value if before else None, digits), before is not None)
    return Stat(
        label,
        numbers.decimal(100 * now.value, digits),
        "%",
        delta=delta_of_rates(now.value, before.value if before else None, noise=noise_of(change), note=note),
        note="too few to judge" if now.too_few else "",
        spark=_spark(results, lambda counts: rate.value if (rate := rate_of(counts)) else None),
    )


def _spark(results: Results, value_of: Callable[[Counts], float | None]) -> Spark | None:
    if not results.now.has_data:
        return None
    now, before = (
        [None if counts is None else value_of(counts) for _, counts in days]
        for days in (results.days, results.days_before)
    )
    return Spark(now, before if any(value is not None for value in before) else ())


def revenue_by_day(results: Results, shop: Shop) -> Chart | Nothing:
    """Revenue by day, the period before dashed on the same days; a day on which nothing was shown breaks the line."""
    if not results.now.has_data:
        return Nothing(
            f"Nothing was shown, {results.chosen.text}",
            "Revenue is attributed to lists that a shopper saw. The shop reports them as impressions.",
            linked(Action("See a list in Preview", page("preview"), small=True)),
        )
    return charts.line_chart(
        id="revenue",
        what="Attributed revenue",
        now=Days(results.chosen.first, [revenue_of(counts) for _, counts in results.days]),
        before=_days_before(results),
        unit=Unit("money", shop.currency),
        height=320,
    )


def _days_before(results: Results) -> Days | None:
    if not any(counts for _, counts in results.days_before):
        return None
    return Days(results.days_before[0][0], [revenue_of(counts) for _, counts in results.days_before])
