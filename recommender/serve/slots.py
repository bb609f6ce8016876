"""Which placement a list is for."""

from __future__ import annotations

from recommender.state import State
from recommender.steering import Slot

BUILT_IN = {
    "home": Slot("home", "personal", fallbacks=("trending", "popular")),
    "similar": Slot("similar", "similar", fallbacks=("bought_together", "personal", "trending", "popular")),
    "bought-together": Slot(
        "bought-together", "bought_together", fallbacks=("similar", "personal", "trending", "popular")
    ),
    "basket": Slot("basket", "basket", fallbacks=("personal", "trending", "popular")),
    "trending": Slot("trending", "trending", fallbacks=("popular",)),
    "buy-again": Slot("buy-again", "buy_again", fallbacks=("personal", "trending", "popular")),
    "recently-viewed": Slot("recently-viewed", "recently_viewed", fallbacks=("personal", "trending", "popular")),
}


class UnknownPlacement(LookupError):
    """There is no active placement of that name; the message names those that there are."""


def slot_of(held: State, placement: str) -> Slot:
    """The placement; while none could be read at all, the built-in ones. Raises :class:`UnknownPlacement`."""
    slots = held.slots or BUILT_IN
    if placement not in slots:
        raise UnknownPlacement(f"expected a placement that is on ({', '.join(slots)}); received {placement!r}")
    return slots[placement]
