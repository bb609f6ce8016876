"""Which segment a shopper is in, and why."""

from __future__ import annotations

from behavior.profiles import Norms

#: A gap is a habit from so many visits on.
HABIT = 4
WEEKLY_GAP = 10.0  # days: somebody who comes every Saturday and skips one now and then
LAPSING, LOST = 3.0, 8.0  # times the usual gap without a visit


def segment_of(*, visits: int, events: int, gap: float | None, recency: float | None, norms: Norms) -> tuple[str, str]:
    """The segment (new, occasional, weekly, loyal, lapsing or lost) and its reason in words. ``gap`` and ``recency`` in
    days, None where events have no time.

    The usual gap is the shopper's own once it is a habit, before that the shop's; without times only the number of
    events speaks.
    """
    if recency is None:
        if events > norms.often_events:
            return "loyal", f"{_n(events, 'event')}, more than four of five shoppers; their events have no time"
        return "occasional", f"{_n(events, 'event')}; their events have no time"
    usual = gap if gap is not None and visits >= HABIT else max(gap or 0.0, norms.gap or 7.0)
    usual = max(usual, 1.0)
    every = "" if not gap or gap < 1 else ", one nearly every day" if gap < 1.5 else f", one every {gap:.0f} days"
    came = f"{_n(visits, 'day')} with a visit{every}"
    away = f"{came}; nothing for {_n(round(recency), 'day')}"
    if recency > LOST * usual:
        return "lost", f"{away}, over {LOST:.0f} times the usual {usual:.0f}"
    if recency > LAPSING * usual:
        return "lapsing", f"{away}, over {LAPSING:.0f} times the usual {usual:.0f}"
    if visits < HABIT - 1:
        return "new", f"{came}, the first of them lately" if visits > 1 else f"first visit {recency:.0f} days ago"
    if visits > norms.often:
        return "loyal", f"{came}: more often than four of five shoppers"
    if gap is not None and visits >= HABIT and gap <= WEEKLY_GAP:
        return "weekly", came
    return "occasional", came


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
