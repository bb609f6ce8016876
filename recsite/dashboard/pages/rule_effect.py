"""What came of a rule since it went live."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from recommender.models import Rule
from recsite.dashboard import numbers
from recsite.dashboard.components import Delta, Stat, StatStrip, delta_of_rates, noise_of
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.queries.rules import Effect
from recsite.dashboard.shop import Shop


def effect_of(rule: Rule | None, shop: Shop) -> tuple[StatStrip | None, str]:
    """What came of it since it went live; nothing for one that never did."""
    if rule is None or rule.went_live_at is None:
        return None, ""
    if rule.starts_at and rule.starts_at > timezone.now():
        return None, f"It starts on {numbers.moment(rule.starts_at)}. What it does is counted here from then on."
    first = shop.day_of(max(rule.went_live_at, rule.starts_at or rule.went_live_at))
    found = queries.effect_since(rule, first)
    since = f"since {numbers.day(first)}"
    if found is None:
        return None, f"No list that it touched was shown {since}. Try it in the preview below: does it change a list?"
    rate = found.rate
    few = rate is not None and rate.too_few
    bounds = numbers.interval(found.counts.clicked, found.counts.shown, 1)
    strip = StatStrip(
        [
            Stat("Lists it touched", numbers.count(found.counts.lists), note=_of_lists(found.share)),
            Stat("Shown", numbers.count(found.counts.shown), note=since),
            Stat(
                "Click rate",
                "no data" if rate is None else "too few to judge" if few else numbers.decimal(100 * rate.value, 2),
                "" if rate is None or few else "%",
                delta=None if few else change_of(found, str(rule.verb)),
                note="" if rate is None else f"95 % interval {bounds}",
            ),
            Stat(
                "Revenue after it",
                numbers.money(found.counts.attributed_revenue, shop.currency) if found.counts.has_data else "no data",
                note=numbers.plural(found.counts.bought + found.counts.bought_by_view, "purchase"),
            ),
        ],
        label=f"What came of it {since}",
        simulated=found.simulated,
    )
    return strip, _beside(found, since)


def change_of(effect: Effect, verb: str) -> Delta | None:
    """Against the other products; ≈ where the interval of the difference holds 0. Only of what a rule puts forward is
    more better: a bury picks what is clicked less."""
    rate, others, change = effect.rate, effect.others.click_rate, effect.change
    if rate is None or others is None or change is None:
        return None
    delta = delta_of_rates(rate.value, others.value, noise=noise_of(change), note="vs other products")
    return delta if verb in ("pin", "boost") else replace(delta, better=None)


def _beside(found: Effect, since: str) -> str:
    """What the click rate is to be held against: the others in the same lists, and the time before."""
    others, before = found.others.click_rate, found.before.click_rate
    words = f"Products that this rule brought into lists {since}."
    if others is not None:
        words += f" All others in the same placements: {numbers.percent(others.value)}."
    if before is not None and not before.too_few:
        words += f" Everything there in as many days before: {numbers.percent(before.value)}."
    return words


def _of_lists(share: float | None) -> str:
    return "" if share is None else f"{numbers.percent(share, 1)} of lists"
