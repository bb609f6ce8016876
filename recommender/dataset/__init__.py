"""Rows → engine arrays: the only bridge between Postgres and ``recommender.engine``.

``read`` makes a snapshot of the whole shop for a training run; ``read_histories`` reads the events of a few
shoppers in the words of a run that is there already (a fresh list, an answer as of a past day). Both read events
by the same query and clean them by the same rules, and both cut a history at ``HISTORY_EVENTS``, so that a
score does not depend on the door its history came through.
"""

from recommender.dataset.events import DAY, Cleaning
from recommender.dataset.histories import (
    HISTORY_EVENTS,
    as_histories,
    empty_history,
    extend,
    id_hash,
    no_events,
    read_histories,
)
from recommender.dataset.shoppers import subject
from recommender.dataset.snapshot import Snapshot, imputed, newest_event, read, read_kinds

__all__ = [
    "DAY",
    "HISTORY_EVENTS",
    "Cleaning",
    "Snapshot",
    "as_histories",
    "empty_history",
    "extend",
    "id_hash",
    "imputed",
    "newest_event",
    "no_events",
    "read",
    "read_histories",
    "read_kinds",
    "subject",
]
