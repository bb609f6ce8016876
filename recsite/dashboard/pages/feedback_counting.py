"""How feedback is counted, in words, and how fresh the counts are."""

from __future__ import annotations

from datetime import timedelta

from recommender import feedback
from recsite.dashboard import numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action
from recsite.dashboard.queries import feedback as queries
from recsite.dashboard.shop import Shop


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


def counted(shop: Shop) -> str:
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


def attribution(permissions: frozenset[str]) -> Action | None:
    """The way to the windows, for those who may change them."""
    if roles.EDIT_SHOP not in permissions:
        return None
    href = page("settings-attribution") or page("settings-shop") or page("settings")
    return next(iter(linked(Action("Change attribution", href, "link"))), None)
