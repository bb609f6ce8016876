"""What people do with rules: draft, change, go live, pause, resume, end, undo, reorder.

Every write is one transaction that leaves a ``RuleVersion`` with the full wording and who wrote it, so that what was
can be put back. After commit serving learns of it: the next answer goes by the new rules.
"""

from recommender.rulebook.checks import Refused, check
from recommender.rulebook.ordering import reorder
from recommender.rulebook.wording import Wording, wording_of
from recommender.rulebook.writing import (
    Changed,
    NotAllowed,
    change,
    create,
    delete_draft,
    end,
    go_live,
    pause,
    restore,
    resume,
    undo,
)

__all__ = [
    "Changed",
    "NotAllowed",
    "Refused",
    "Wording",
    "change",
    "check",
    "create",
    "delete_draft",
    "end",
    "go_live",
    "pause",
    "reorder",
    "restore",
    "resume",
    "undo",
    "wording_of",
]
