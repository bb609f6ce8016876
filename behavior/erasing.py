"""Erasing a person: their events, whatever was folded from them, what was refused of them, and they themselves.

``begin`` is one transaction that leaves a receipt (``models.Erasure``). What was on its way at that moment may still
arrive under the old internal id, which is never given again: ``sweep`` removes it, ``remaining`` looks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from behavior.models import Erasure, Shopper, ShopperProfile


def digest(subject: str) -> str:
    """Hex of a subject (``s:<id>``, ``v:<id>``), keyed with the shop's own secret: nobody without it can try ids."""
    return salted_hmac("behavior.erasing", subject, algorithm="sha256").hexdigest()


def subject_of(kind: str, external_id: str) -> str:
    """``s:2124`` or ``v:7f3a…``, as in ``Erasure.pending``."""
    return f"{kind[0]}:{external_id}"


def begin(*, kind: str, external_id: str) -> Erasure:
    """Erase a shopper (with the visitors that they were) or a visitor here; unknown ones leave a receipt too, for
    something else may be known of them elsewhere."""
    with transaction.atomic():
        people = list(Shopper.objects.select_for_update().filter(kind=kind, external_id=external_id))
        people += Shopper.objects.select_for_update().filter(merged_into__in=people)
        ids = [person.pk for person in people]
        names = dict.fromkeys([(kind, external_id), *((str(person.kind), person.external_id) for person in people)])
        erased = {
            "events": _delete_events(ids),
            "rejected_events": _delete_rejects(list(names)),
            "profiles": ShopperProfile.objects.filter(pk__in=ids).count(),
            "people": len(ids),
        }
        Shopper.objects.filter(pk__in=ids).delete()
        subjects = [subject_of(*name) for name in names]
        return Erasure.objects.create(
            digests=[digest(subject) for subject in subjects], shopper_ids=ids, pending=subjects, erased=erased
        )


def sweep(erasure: Erasure) -> int:
    """Remove what arrived late under the old internal ids; returns how many events."""
    return _delete_events(erasure.shopper_ids)


def remaining(erasure: Erasure) -> dict[str, int]:
    """What is still there of them, by the names of ``Erasure.erased``."""
    ids = erasure.shopper_ids
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM behavior_event WHERE shopper_id = ANY(%s)", [ids])
        (events,) = cursor.fetchone()
    people = Shopper.objects.filter(pk__in=ids).count()
    return {"events": events, "profiles": ShopperProfile.objects.filter(pk__in=ids).count(), "people": people}


def _delete_events(ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM behavior_event WHERE shopper_id = ANY(%s)", [list(ids)])
        return cursor.rowcount


def _delete_rejects(names: Sequence[tuple[str, str]]) -> int:
    deleted = 0
    with connection.cursor() as cursor:
        for kind, external_id in names:
            cursor.execute("DELETE FROM behavior_rejectedevent WHERE payload ->> %s = %s", [kind, external_id])
            deleted += cursor.rowcount
    return deleted
