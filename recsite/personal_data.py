"""All that is stored about one person, as one document for them to take away."""

from __future__ import annotations

from typing import Any

from behavior.models import Event, Shopper, ShopperProfile
from catalog.models import Product
from recommender.models import ServedList

EVENT_FIELDS = (
    "event_id", "type", "at", "product", "quantity", "price", "value", "session", "placement", "recommendation_id",
    "position", "consent", "source", "received_at",
)  # fmt: skip


def known_of(shopper: Shopper) -> dict[str, Any]:
    """JSON-able: what they told, what was folded, the lists, the events."""
    profile = ShopperProfile.objects.filter(pk=shopper.pk).first()
    return {
        "id": shopper.external_id,
        "kind": shopper.kind,
        "age": shopper.age or None,
        "gender": shopper.gender or None,
        "income": shopper.income or None,
        "consent": shopper.consent,
        "attributes": shopper.attributes,
        "visitors": list(shopper.merged.order_by("external_id").values_list("external_id", flat=True)),
        "first_known_at": shopper.created_at,
        "profile": {**profile.data, "as_of": profile.as_of} if profile else None,
        "lists_answered": _lists_of(shopper),
        "events": _events_of(shopper.pk),
    }


def _events_of(shopper_id: int) -> list[dict[str, Any]]:
    """Every stored event, oldest first, by ``EVENT_FIELDS``; products by the shop's own id."""
    rows = Event.objects.filter(shopper_id=shopper_id).order_by("at", "event_id")
    names = ["product__external_id" if name == "product" else name for name in EVENT_FIELDS]
    return [dict(zip(EVENT_FIELDS, row, strict=True)) for row in rows.values_list(*names)]


def _lists_of(shopper: Shopper) -> list[dict[str, Any]]:
    """The lists that were answered to them, oldest first, products by the shop's own id."""
    rows = ServedList.objects.filter(shopper_kind=shopper.kind, shopper_external_id=shopper.external_id)
    found = list(rows.order_by("at").values("recommendation_id", "at", "placement", "products", "experiment", "source"))
    wanted = {key for row in found for key in row["products"]}
    names = dict(Product.objects.filter(pk__in=wanted).values_list("pk", "external_id"))
    return [{**row, "products": [names.get(key) for key in row["products"]]} for row in found]
