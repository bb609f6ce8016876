"""What changed elsewhere and must show in the next answer."""

from __future__ import annotations

import logging

from recommender import availability, posted, steering, store
from recommender.dataset import subject
from recommender.models import Generation

log = logging.getLogger(__name__)


def note_products() -> int:
    """After a change in the catalogue that must show at once (hide, retire): do not wait for the loop."""
    try:
        return availability.publish_changes()
    except store.StoreDown as error:
        log.warning("availability was not published: %s", error)
        return 0


def note_merge(*, visitor: str, shopper: str) -> None:
    """After ``behavior.services.merge_visitor``: what the visitor did counts for the shopper from the next answer."""
    source, target = subject("visitor", visitor), subject("shopper", shopper)
    try:
        events = store.recent(source)
        if events:
            store.note_recent({target: events})
        store.forget(source, _kept_generations())
    except store.StoreDown as error:
        log.warning("a merge was not noted: %s", error)
        return
    posted.send_refresh(target)


def forget(*, kind: str, external_id: str) -> None:
    """Remove a subject's lists and recent events from Redis. Raises ``store.StoreDown``."""
    store.forget(subject(kind, external_id), _kept_generations())


def note_settings(*names: str) -> None:
    """After commit of rules or placements: the next answer goes by them."""
    try:
        steering.publish(*names)
    except store.StoreDown as error:
        log.warning("%s were not published: %s", ", ".join(names), error)


def _kept_generations() -> list[int]:
    return list(Generation.objects.filter(status=Generation.Status.READY).values_list("pk", flat=True))
