"""What is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recommender.compiled_rules import CompiledRule
from recommender.conditions import Condition
from recommender.steering import Slot


@dataclass(frozen=True)
class Request:
    """One list, for a shopper, a visitor or nobody. ``products``: those on the page or in the basket.

    ``rules`` None: the live ones; ``generation`` and ``rules`` are for previews, as are ``segment``, ``slot`` (a
    placement as it would be) and a later ``as_of`` (for scheduled rules).
    """

    shopper: str | None = None
    visitor: str | None = None
    placement: str = "home"
    n: int | None = None
    products: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    filters: Condition | None = None
    explain: bool = False
    as_of: datetime | None = None
    record: bool = True
    source: str = "api"
    rules: tuple[CompiledRule, ...] | None = None
    generation: int | None = None
    segment: str | None = None
    new_only: bool = False
    slot: Slot | None = None

    @property
    def who(self) -> tuple[str, str | None]:
        """Kind and id; ("nobody", None) where neither was named."""
        if self.shopper is not None:
            return "shopper", self.shopper
        return ("visitor", self.visitor) if self.visitor is not None else ("nobody", None)
