"""What the placements' pages need beside the rows: whose list to show, which rules run where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from behavior.models import Event, Shopper
from catalog.models import Product
from recommender.models import Rule


@dataclass(frozen=True)
class Example:
    """Somebody real to show lists of, and a product of theirs to stand beside."""

    shopper: Shopper
    product: Product


def example() -> Example | None:
    """The shopper who bought last and what, of the products that may be shown; None without such a purchase.

    One query.
    """
    bought = Event.objects.filter(
        type="purchase", product__hidden=False, product__retired_at=None, shopper__kind=Shopper.Kind.SHOPPER
    )
    rows = bought.select_related("shopper__profile", "product__category")
    newest = rows.order_by("-at", "-event_id").first()
    return Example(newest.shopper, newest.product) if newest and newest.product else None


def live_rules() -> list[Rule]:
    """Every rule that is live, in the order of running. One query."""
    return list(Rule.objects.filter(status=Rule.Status.LIVE).order_by("priority", "id"))


def of_placement(rules: Sequence[Rule], slug: str) -> list[Rule]:
    """Those that run in the placement: of everywhere, or of it."""
    return [rule for rule in rules if not rule.placements or slug in rule.placements]
