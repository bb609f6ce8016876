"""Which arm of an experiment somebody is in: chance gives it once, and nothing has to be stored for it to stay.

The digest of the experiment's name and the subject's is as good as a draw, the same in every process and at every
request, and independent from one experiment to the next.
"""

from __future__ import annotations

from hashlib import blake2b

from recommender.steering import Slot

A, B = "a", "b"


def arm_of(experiment: str, share: int, subject: str) -> str:
    """``B`` for ``share`` percent of all subjects, else ``A``."""
    digest = blake2b(f"{experiment}\n{subject}".encode(), digest_size=8).digest()
    return B if int.from_bytes(digest) < share * 2**64 // 100 else A


def assigned(slot: Slot, subject: str | None) -> tuple[Slot, str | None]:
    """The setup that goes for a subject and what the answer calls it, ``experiment:arm``. Whoever has no name is in no
    experiment, for they could not be told apart at the next request."""
    trial = slot.trial
    if trial is None or subject is None:
        return slot, None
    arm = arm_of(trial.name, trial.share, subject)
    return (trial.slot if arm == B else slot), f"{trial.name}:{arm}"
