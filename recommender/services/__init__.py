"""What others may ask of the recommender: train, tune, stop, promote, roll back, note what was posted.

Web-safe: nothing here is slow, nothing loads a training framework. ``reconcile`` is the one loop that mends what
died half-way.
"""

from recommender.posted import note_again, note_events
from recommender.services.changes import forget, note_merge, note_products, note_settings
from recommender.services.jobs import (
    MOST_TRIALS,
    TRAIN_WORKER,
    AlreadyActive,
    request_training,
    request_tuning,
    still_known,
    stop_run,
    stop_tuning,
)
from recommender.services.mending import reconcile
from recommender.services.model_files import CannotDelete, delete_artifacts, prune
from recommender.services.serving import CannotServe, CannotShadow, promote, roll_back, rollback_target, shadow

__all__ = [
    "MOST_TRIALS",
    "TRAIN_WORKER",
    "AlreadyActive",
    "CannotDelete",
    "CannotServe",
    "CannotShadow",
    "delete_artifacts",
    "forget",
    "note_again",
    "note_events",
    "note_merge",
    "note_products",
    "note_settings",
    "promote",
    "prune",
    "reconcile",
    "request_training",
    "request_tuning",
    "roll_back",
    "rollback_target",
    "shadow",
    "still_known",
    "stop_run",
    "stop_tuning",
]
