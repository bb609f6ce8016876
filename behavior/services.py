"""Everything that writes shoppers and events. Each call is one transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from behavior.models import Shopper, ShopperProfile
from behavior.profiling import are_profiles_current, build_profile, build_profiles, refresh_profiles
from behavior.recording import Recorded, StoredEvent, current_rules, record_events
from behavior.replays import Replayed, replay_rejects

__all__ = [
    "Merged",
    "Recorded",
    "Replayed",
    "StoredEvent",
    "are_profiles_current",
    "build_profile",
    "build_profiles",
    "current_rules",
    "merge_visitor",
    "record_events",
    "refresh_profiles",
    "replay_rejects",
    "set_shopper",
]


def set_shopper(
    *, external_id: str, kind: str = "shopper", attributes: Mapping[str, Any] | None = None, **fields: Any
) -> Shopper:
    """Create a shopper or change the given ``fields`` (age, gender, income, consent) and ``attributes``.

    A field that is not named stays; an attribute of None is removed.
    """
    allowed = {"age", "gender", "income", "consent"}
    if unknown := sorted(set(fields) - allowed):
        raise TypeError(f"expected fields among {', '.join(sorted(allowed))}; received {', '.join(unknown)}")
    with transaction.atomic():
        shopper, _ = Shopper.objects.select_for_update().get_or_create(kind=kind, external_id=external_id)
        for name, value in fields.items():
            setattr(shopper, name, value if name == "consent" else str(value if value is not None else ""))
        if attributes is not None:
            merged = {**shopper.attributes, **attributes}
            shopper.attributes = {name: value for name, value in merged.items() if value is not None}
        shopper.is_stub = False
        shopper.save()
        if shopper.consent is False:
            ShopperProfile.objects.filter(shopper=shopper).delete()
    return shopper


@dataclass(frozen=True)
class Merged:
    """A visitor that became a shopper: their internal ids and how many events moved."""

    shopper_id: int
    visitor_id: int | None
    moved: int


def merge_visitor(*, visitor: str, shopper: str) -> Merged:
    """Give a visitor's events, past and future, to the shopper who logged in. Doing it twice changes nothing.

    A visitor who was merged into somebody else before keeps that person: two people share one browser, and what was
    done until then was the first one's.
    """
    with transaction.atomic():
        person, _ = Shopper.objects.get_or_create(
            kind=Shopper.Kind.SHOPPER, external_id=shopper, defaults={"is_stub": True}
        )
        browser, _ = Shopper.objects.select_for_update().get_or_create(
            kind=Shopper.Kind.VISITOR, external_id=visitor, defaults={"is_stub": True}
        )
        if browser.merged_into_id is not None and browser.merged_into_id != person.pk:
            return Merged(person.pk, browser.pk, 0)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE behavior_event SET shopper_id = %s WHERE shopper_id = %s", [person.pk, browser.pk])
            moved = cursor.rowcount
        Shopper.objects.filter(pk=browser.pk).update(merged_into=person, updated_at=timezone.now())
        ShopperProfile.objects.filter(shopper=browser).delete()  # their events are the person's now
    return Merged(person.pk, browser.pk, moved)
