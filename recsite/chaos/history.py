"""What clients sent and what they got, and whether the shop kept its promises. Pure: it asks nobody.

The check is that of a set with unique elements under an indeterminate outcome (as Jepsen's ``set`` workload): what was
acknowledged must be stored exactly once; what was never acknowledged may be stored or not, but not twice.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

REFUSES_AT_MOST = 3.0  # s without any answer after a web process was killed
SLOWEST_GET = 0.100  # s, p99 while things break


@dataclass(frozen=True)
class Asked:
    """One GET. ``status`` 0: the connection broke or was refused. ``began``: monotonic seconds."""

    began: float
    seconds: float
    status: int
    complaint: str = ""  # what is wrong with the list; empty: nothing
    degraded: bool = False
    fallback: bool = False


@dataclass(frozen=True)
class Struck:
    """A fault and when it was there, in monotonic seconds."""

    name: str
    began: float
    ended: float


@dataclass(frozen=True)
class Verdict:
    """One promise: what was expected, what came."""

    promise: str
    kept: bool
    found: str


@dataclass
class History:
    """Filled by many threads."""

    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    posts: dict[int, int] = field(default_factory=dict)  # answers by status; 0: no answer
    complaints: list[str] = field(default_factory=list)  # of answers to events
    struck: list[Struck] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_sent(self, ids: Collection[str]) -> None:
        with self._lock:
            self.sent.update(ids)

    def note_post(self, status: int, acknowledged: Collection[str] = (), complaint: str = "") -> None:
        with self._lock:
            self.posts[status] = self.posts.get(status, 0) + 1
            self.acknowledged.update(acknowledged)
            if complaint:
                self.complaints.append(complaint)

    def note_asked(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def note_struck(self, struck: Struck) -> None:
        with self._lock:
            self.struck.append(struck)


def judge(history: History, stored: Mapping[str, int]) -> list[Verdict]:
    """``stored``: how often each event id of the drill is in the log. The promises in their order."""
    missing = history.acknowledged - stored.keys()
    doubled = [event for event, times in stored.items() if times > 1]
    foreign = stored.keys() - history.sent
    answers = [asked for asked in history.asked if asked.status]
    not_ok = [asked for asked in answers if asked.status != 200]
    ill = [asked for asked in answers if asked.complaint]
    slow = percentile([asked.seconds for asked in _during(answers, history.struck)], 0.99)
    gap, broken_outside = _outages(history)
    return [
        _none("no acknowledged event is missing", missing, f"{len(history.acknowledged):,} acknowledged"),
        _none("no event is stored twice", doubled, f"{len(stored):,} stored"),
        _none("nothing is stored that nobody sent", foreign, f"{len(history.sent):,} sent"),
        _none("no valid event is refused for good", history.complaints, f"{sum(history.posts.values()):,} posts"),
        _none("every GET that is answered is answered 200", [asked.status for asked in not_ok], f"{len(answers):,}"),
        _none(
            "every answer is a valid list of one generation", [asked.complaint for asked in ill], f"{len(answers):,}"
        ),
        _none("connections break only where a web process was killed", broken_outside, f"{len(history.asked):,} asked"),
        Verdict(
            f"after a web process was killed GETs are answered again within {REFUSES_AT_MOST:.0f} s",
            gap <= REFUSES_AT_MOST,
            f"longest {gap:.2f} s",
        ),
        Verdict(
            f"p99 of a GET during faults ≤ {SLOWEST_GET * 1000:.0f} ms",
            slow is not None and slow <= SLOWEST_GET,
            "no GET was answered during a fault" if slow is None else f"{slow * 1000:.0f} ms",
        ),
    ]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _none(promise: str, found: Collection[object], of: str) -> Verdict:
    if not found:
        return Verdict(promise, True, f"0 of {of}")
    examples = ", ".join(str(one) for one in list(found)[:3])
    return Verdict(promise, False, f"{len(found):,} of {of}, e.g. {examples}")


def _during(answers: Sequence[Asked], struck: Sequence[Struck]) -> list[Asked]:
    return [asked for asked in answers if any(one.began <= asked.began <= one.ended for one in struck)]


def _outages(history: History) -> tuple[float, list[str]]:
    """The longest time without an answer after the kill of a web process, and what broke at another time."""
    kills = [one.began for one in history.struck if one.name == "kill web"]
    answered = sorted(asked.began + asked.seconds for asked in history.asked if asked.status)
    longest, outside = 0.0, []
    for asked in history.asked:
        if asked.status:
            continue
        kill = max((one for one in kills if one <= asked.began + asked.seconds), default=None)
        if kill is None or asked.began > kill + 2 * REFUSES_AT_MOST:
            outside.append(f"at {asked.began:.1f} s after {asked.seconds:.2f} s")
            continue
        again = next((at for at in answered if at > asked.began), float("inf"))
        longest = max(longest, again - kill)
    return longest, outside
