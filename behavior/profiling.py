"""Folding shoppers' events into their stored profiles: everybody's, one's, or those who posted lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from behavior import profile_batches, queries
from behavior.calendar import shop_zone
from behavior.models import Shopper, ShopperProfile
from behavior.profile_fold import fold
from behavior.profiles import Norms, Profile

#: At once, for everything else of the queue waits that long: about a second.
PROFILES_AT_ONCE = 200
FRESH_WITHIN = timedelta(hours=1)
ReportProfiles = Callable[[int, int], None]  # (shoppers done, shoppers in all)
_COLUMNS = [field.name for field in ShopperProfile._meta.concrete_fields if field.name != "shopper"]


def build_profiles(*, as_of: datetime | None = None, report: ReportProfiles | None = None) -> int:
    """Fold everybody's events up to ``as_of`` (default: the newest event) into their profiles; returns how many.

    Who must not be profiled, or has no event any more, has no profile afterwards. Each portion is a transaction, so
    that pages read whole profiles all the while.
    """
    started = timezone.now()
    as_of = as_of or queries.newest_event_at() or started
    counted = profile_batches.sizes(as_of)
    norms = profile_batches.read_norms(as_of)
    done = 0
    for portion in profile_batches.portions(counted):
        _fold_and_store(portion, norms, as_of)
        done += len(portion)
        if report:
            report(done, len(counted))
    ShopperProfile.objects.filter(updated_at__lt=started).delete()
    return done


def are_profiles_current() -> bool:
    """Whether every profile knows the newest event; not where there are events and no profile."""
    newest = queries.newest_event_at()
    if newest is None:
        return True
    return ShopperProfile.objects.exists() and not ShopperProfile.objects.filter(as_of__lt=newest).exists()


def build_profile(shopper: Shopper, *, as_of: datetime | None = None) -> Profile:
    """One shopper's profile from what is stored just now, by the same fold and the norms of the last batch."""
    as_of = as_of or timezone.now()
    return _fold([shopper.pk], _norms(as_of), as_of).get(shopper.pk, Profile())


def refresh_profiles() -> int:
    """Fold anew whoever posted in the last hour and after their profile was made, :data:`PROFILES_AT_ONCE` of them;
    returns how many. What an hour leaves undone waits for the next batch."""
    as_of = timezone.now()
    waiting = queries.without_fresh_profile(since=as_of - FRESH_WITHIN, now=as_of, limit=PROFILES_AT_ONCE)
    if waiting:
        _fold_and_store(waiting, _norms(as_of), as_of)
    return len(waiting)


def _norms(as_of: datetime) -> Norms:
    """Those of the last batch."""
    stored = ShopperProfile.objects.order_by("-updated_at").values_list("data__norms", flat=True).first()
    return Norms.from_dict(stored) if stored else profile_batches.read_norms(as_of)


def _fold(shoppers: Sequence[int], norms: Norms, as_of: datetime) -> dict[int, Profile]:
    log = profile_batches.read_log(shoppers, as_of)
    shelf = profile_batches.read_shelf(np.unique(log.product))
    return fold(log, shelf, norms, as_of=as_of, zone=shop_zone())


def _fold_and_store(shoppers: Sequence[int], norms: Norms, as_of: datetime) -> None:
    read_at = timezone.now()  # before the read: an event that comes during it is newer than the profile
    profiles = _fold(shoppers, norms, as_of)
    said = norms.to_dict()
    rows = [
        ShopperProfile(
            shopper_id=shopper,
            segment=profile.segment,
            events=profile.events,
            baskets=profile.baskets,
            products=profile.products,
            spend=profile.spend,
            first_at=profile.first_at,
            last_at=profile.last_at,
            data=profile.to_dict() | {"norms": said},
            as_of=as_of,
            updated_at=read_at,
        )
        for shopper, profile in profiles.items()
    ]
    with transaction.atomic():
        ShopperProfile.objects.bulk_create(
            rows, batch_size=500, update_conflicts=True, unique_fields=["shopper"], update_fields=_COLUMNS
        )
