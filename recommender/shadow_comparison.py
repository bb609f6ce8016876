"""What the lists of a model in shadow say beside those of the one that served: how far they agree, and how many of what
the shopper clicked or bought afterwards each would have held.

One thing no shadow can mend: shoppers click what they are shown. The model that serves has that help, the other has
not, so its clicks are a lower bound; purchases are less bound to what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.db import connection

from recommender.models import FeedbackProgress, ShadowList, TrainingRun
from recommender.roll_up import Windows

KINDS = ("click", "purchase")


@dataclass(frozen=True)
class Share:
    """A mean with its standard error, which takes a shopper's lists for one observation."""

    value: float
    se: float


@dataclass(frozen=True)
class Hits:
    """Of ``lists`` after which the shopper did something of ``kind``: the share whose ten first products held one of
    those products; ``difference``: shadow minus serving, list by list."""

    kind: str
    lists: int
    serving: Share
    shadow: Share
    difference: Share


@dataclass(frozen=True)
class Day:
    """The lists of one day by the shop's clock."""

    day: date
    lists: int
    overlap: Share
    moved: Share | None
    hits: tuple[Hits, ...]

    def of(self, kind: str) -> Hits | None:
        """None where no shopper did anything of that kind."""
        return next((hits for hits in self.hits if hits.kind == kind), None)


@dataclass(frozen=True)
class Comparison:
    """``overlap``: products in both lists of ten, as a share; ``moved``: by how many places a product that is in both
    moves, on average; None before the first list. ``window``: for how long after a list an outcome counts for it, as
    feedback attributes purchases to clicks. Days without a list are left out."""

    run: int
    serving_run: int | None
    lists: int
    shoppers: int
    overlap: Share | None
    moved: Share | None
    hits: tuple[Hits, ...]
    since: datetime | None
    until: datetime | None
    window: timedelta
    days: tuple[Day, ...]


@dataclass(frozen=True)
class _Pair:
    """Two lists of one moment: ``shadow`` and ``serving`` are ``Product.id`` by position."""

    pk: int
    shopper_id: int
    at: datetime
    serving_run: int
    shadow: Sequence[int]
    serving: Sequence[int]


_Outcomes = Mapping[str, Mapping[int, set[int]]]  # by kind and list: Product.id of what the shopper did it to


OUTCOMES = """
SELECT l.id, e.type, array_agg(DISTINCT e.product_id)
FROM recommender_shadowlist l
JOIN behavior_event e ON e.shopper_id = l.shopper_id AND e.at > l.at AND e.at <= l.at + make_interval(secs => %s)
WHERE l.run_id = %s AND e.type = ANY(%s) AND e.product_id IS NOT NULL
GROUP BY l.id, e.type
"""


def compare(run: TrainingRun) -> Comparison:
    """What the lists in shadow say so far about ``run``."""
    fields = ("pk", "shopper_id", "at", "serving_run", "shadow", "serving")
    pairs = [_Pair(*row) for row in ShadowList.objects.filter(run=run).order_by("at", "pk").values_list(*fields)]
    window, zone = _counting()
    told = _tell(pairs, _outcomes(run, window))
    everything = slice(0, len(pairs))
    return Comparison(
        run=run.pk,
        serving_run=pairs[-1].serving_run if pairs else None,
        lists=len(pairs),
        shoppers=len(np.unique(told.owner)),
        overlap=told.share(told.overlap, everything),
        moved=told.share(told.moved, everything),
        hits=told.hits(everything),
        since=pairs[0].at if pairs else None,
        until=pairs[-1].at if pairs else None,
        window=window,
        days=tuple(_days(pairs, told, zone)),
    )


@dataclass(frozen=True)
class _Told:
    """Of each pair, in order of time: ``owner`` int64 [n]; ``overlap``, ``moved`` and by kind ``serving`` and
    ``shadow`` (1 where the list held one of the products) float64 [n], NaN where nothing can be said."""

    owner: np.ndarray
    overlap: np.ndarray
    moved: np.ndarray
    serving: Mapping[str, np.ndarray]
    shadow: Mapping[str, np.ndarray]

    def share(self, values: np.ndarray, part: slice) -> Share | None:
        known = ~np.isnan(values[part])
        return _share(values[part][known], self.owner[part][known])

    def hits(self, part: slice) -> tuple[Hits, ...]:
        found = []
        for kind in KINDS:
            serving, shadow = self.serving[kind], self.shadow[kind]
            shares = [self.share(values, part) for values in (serving, shadow, shadow - serving)]
            if all(shares):
                lists = int((~np.isnan(serving[part])).sum())
                found.append(Hits(kind, lists, *(share for share in shares if share)))
        return tuple(found)


def _tell(pairs: Sequence[_Pair], outcomes: _Outcomes) -> _Told:
    places = {pair.pk: place for place, pair in enumerate(pairs)}
    held = {side: {kind: np.full(len(pairs), np.nan) for kind in KINDS} for side in ("serving", "shadow")}
    for kind in KINDS:
        for pk, wanted in outcomes[kind].items():
            if (place := places.get(pk)) is not None:  # a list that was scored since is left to the next look
                held["serving"][kind][place] = not wanted.isdisjoint(pairs[place].serving)
                held["shadow"][kind][place] = not wanted.isdisjoint(pairs[place].shadow)
    return _Told(
        owner=np.array([pair.shopper_id for pair in pairs], np.int64),
        overlap=np.array([_overlap(pair.shadow, pair.serving) for pair in pairs], np.float64),
        moved=np.array([_moved(pair.shadow, pair.serving) for pair in pairs], np.float64),
        **held,
    )


def _days(pairs: Sequence[_Pair], told: _Told, zone: ZoneInfo) -> Iterator[Day]:
    start = 0
    for day, of_day in groupby(pairs, key=lambda pair: pair.at.astimezone(zone).date()):
        part = slice(start, start + sum(1 for _ in of_day))
        overlap = told.share(told.overlap, part)
        assert overlap is not None  # a day has at least one list
        yield Day(day, part.stop - part.start, overlap, told.share(told.moved, part), told.hits(part))
        start = part.stop


def _counting() -> tuple[timedelta, ZoneInfo]:
    """The attribution window after a click and the shop's clock, as feedback last counted by them."""
    progress = FeedbackProgress.objects.first()
    if progress is None:
        return Windows().click, ZoneInfo(settings.SHOP_TIME_ZONE)
    return progress.click_window, ZoneInfo(progress.zone)


def _outcomes(run: TrainingRun, window: timedelta) -> _Outcomes:
    found: dict[str, dict[int, set[int]]] = {kind: {} for kind in KINDS}
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES, [window.total_seconds(), run.pk, list(KINDS)])
        for pk, kind, products in cursor.fetchall():
            found[kind][pk] = set(products)
    return found


def _overlap(left: Sequence[int], right: Sequence[int]) -> float:
    longest = max(len(left), len(right))
    return len(set(left) & set(right)) / longest if longest else 1.0


def _moved(left: Sequence[int], right: Sequence[int]) -> float:
    """NaN where no product is in both."""
    place = {product: number for number, product in enumerate(right)}
    moves = [abs(number - place[product]) for number, product in enumerate(left) if product in place]
    return sum(moves) / len(moves) if moves else float("nan")


def _share(values: np.ndarray, owner: np.ndarray) -> Share | None:
    """The mean, with the error of a mean over clusters (Cameron & Miller 2015, eq. 8): lists of one shopper are
    alike. None of nothing."""
    if not len(values):
        return None
    mean = float(values.mean())
    _, cluster = np.unique(owner, return_inverse=True)
    size = int(cluster.max()) + 1
    spread = float((np.bincount(cluster, values - mean) ** 2).sum())
    if size < 2:
        return Share(mean, float("nan"))
    return Share(mean, float(np.sqrt(spread * size / (size - 1)) / len(values)))
