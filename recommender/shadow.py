"""Shadow: a model that is scored beside the one that serves, on lists that the shop asked for, and shown to nobody.

A worker takes a sample of the answered lists, reads each shopper's history as it was at that moment, and lets both
models rank the catalogue by it – without rules and placements, which are the same for both. ``compare`` says how far
the two lists agree and how many of what the shopper clicked or bought afterwards each would have held.

One thing no shadow can mend: shoppers click what they are shown. The model that serves has that help, the other has
not, so its clicks are a lower bound; purchases are less bound to what was shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from django.db import connection
from django.db.models.functions import MD5

from behavior.models import Shopper
from recommender import artifacts, dataset, publish, state
from recommender.artifacts import AnyRanker
from recommender.dataset import DAY
from recommender.engine.artifact import ArtifactError
from recommender.models import Placement, ServedList, ShadowList, Switch, TrainingPlan, TrainingRun
from recommender.vocabulary import Vocabulary

K = 10
#: Lists of one look, and the seconds after which it ends: a task must not be long.
BATCH, SECONDS = 200, 20.0
MOST_LISTS = 20_000
#: What the shopper does for so long after the list counts for it.
OUTCOME = timedelta(days=7)
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
class Comparison:
    """``overlap``: products in both lists of ten, as a share; ``moved``: by how many places a product that is in both
    moves, on average; None before the first list."""

    run: int
    serving_run: int | None
    lists: int
    shoppers: int
    overlap: Share | None
    moved: Share | None
    hits: tuple[Hits, ...]
    since: datetime | None


@dataclass(frozen=True)
class _Model:
    ranker: AnyRanker
    vocabulary: Vocabulary
    sellable: np.ndarray


# --- Scoring ---


def score_new() -> int:
    """Score a sample of the lists answered since the last look; returns how many. 0 where nothing is in shadow."""
    plan = TrainingPlan.objects.select_related("shadow_run").first()
    switch = publish.serving()
    if plan is None or plan.shadow_run is None or switch is None or switch.generation.run_id == plan.shadow_run_id:
        _load.cache_clear()
        return 0
    run = plan.shadow_run
    served = _sample(run, switch, plan.shadow_since)
    models = _models(run, switch) if served else None
    if models is None:
        return 0
    until, rows = time.monotonic() + SECONDS, []
    for shopper_id, answered in served:
        if time.monotonic() > until:
            break
        rows.append(_scored(run, switch, models, shopper_id, answered))
    return len(ShadowList.objects.bulk_create(rows, ignore_conflicts=True))


def _sample(run: TrainingRun, switch: Switch, since: datetime | None) -> list[tuple[int, ServedList]]:
    """Up to BATCH answered lists that nobody has scored, drawn evenly from those since the last scored one, with
    ``Shopper.id``."""
    scored = ShadowList.objects.filter(run=run)
    newest = scored.order_by("-at").values_list("at", flat=True).first() or since
    if newest is None or scored.count() >= MOST_LISTS:
        return []
    slots = Placement.objects.filter(strategy=Placement.Strategy.PERSONAL).values_list("slug", flat=True)
    answered = ServedList.objects.filter(
        at__gt=newest, generation=switch.generation_id, placement__in=list(slots), fallback="", degraded=False
    ).exclude(shopper_external_id="")
    chosen = list(answered.order_by(MD5("recommendation_id"))[:BATCH])
    names = {(row.shopper_kind, row.shopper_external_id) for row in chosen}
    people = Shopper.objects.filter(external_id__in=[name for _, name in names]).exclude(consent=False)
    ids = {(kind, name): pk for kind, name, pk in people.values_list("kind", "external_id", "pk")}
    found = [(ids.get((row.shopper_kind, row.shopper_external_id)), row) for row in chosen]
    # By time: a look that ends early leaves the later ones to the next.
    return sorted(((pk, row) for pk, row in found if pk is not None), key=lambda pair: pair[1].at)


def _models(run: TrainingRun, switch: Switch) -> tuple[_Model, _Model] | None:
    """The model in shadow and the one that serves; None where one cannot be read."""
    held = state.current().catalogue
    allowed = held.product_ids[held.sellable]
    stored = switch.generation.manifest
    try:
        files = [(run.artifact, run.artifact_sha256), (str(stored.get("artifact", "")), str(stored.get("sha256", "")))]
        loaded = [_load(*file) for file in files]
    except ArtifactError:
        return None
    shadow, serving = (_Model(r, v, np.isin(v.product_ids, allowed)) for r, v in loaded)
    return shadow, serving


@lru_cache(maxsize=2)
def _load(folder: str, sha256: str) -> tuple[AnyRanker, Vocabulary]:
    return artifacts.load(folder, sha256)


def _scored(
    run: TrainingRun, switch: Switch, models: tuple[_Model, _Model], shopper_id: int, answered: ServedList
) -> ShadowList:
    shadow, serving = (_ranked(model, shopper_id, answered.at) for model in models)
    return ShadowList(
        run=run,
        serving_run=switch.generation.run_id,
        recommendation_id=answered.recommendation_id,
        shopper_id=shopper_id,
        at=answered.at,
        shadow=shadow,
        serving=serving,
    )


def _ranked(model: _Model, shopper_id: int, at: datetime) -> list[int]:
    """``Product.id`` of the ten that the model would have shown at that moment."""
    until = at if model.vocabulary.timed else None
    history = dataset.read_histories([shopper_id], model.vocabulary, until=until).get(shopper_id)
    histories = dataset.as_histories([history or dataset.empty_history(model.vocabulary)], model.vocabulary)
    now = at.timestamp() / DAY if model.vocabulary.timed else model.vocabulary.as_of
    codes, _ = model.ranker.recommend(histories, now, k=K, sellable=model.sellable)
    found: list[int] = model.vocabulary.product_ids[codes[0][codes[0] >= 0]].tolist()
    return found


# --- Comparing ---

OUTCOMES = """
SELECT l.id, e.type, array_agg(DISTINCT e.product_id)
FROM recommender_shadowlist l
JOIN behavior_event e ON e.shopper_id = l.shopper_id AND e.at > l.at AND e.at <= l.at + make_interval(secs => %s)
WHERE l.run_id = %s AND e.type = ANY(%s) AND e.product_id IS NOT NULL
GROUP BY l.id, e.type
"""


def compare(run: TrainingRun) -> Comparison:
    """What the lists in shadow say so far about ``run``."""
    rows = list(ShadowList.objects.filter(run=run).order_by("pk"))
    owner = np.array([row.shopper_id for row in rows], np.int64)
    overlaps = np.array([_overlap(row.shadow, row.serving) for row in rows])
    moves = np.array([_moved(row.shadow, row.serving) for row in rows], np.float64)
    both = ~np.isnan(moves)
    return Comparison(
        run=run.pk,
        serving_run=rows[-1].serving_run if rows else None,
        lists=len(rows),
        shoppers=len(np.unique(owner)),
        overlap=_share(overlaps, owner),
        moved=_share(moves[both], owner[both]),
        hits=_hits(run, rows),
        since=min((row.at for row in rows), default=None),
    )


def _hits(run: TrainingRun, rows: Sequence[ShadowList]) -> tuple[Hits, ...]:
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES, [OUTCOME.total_seconds(), run.pk, list(KINDS)])
        outcomes = cursor.fetchall()
    by_id, found = {row.pk: row for row in rows}, []
    for kind in KINDS:
        lists = [(by_id[pk], set(products)) for pk, of, products in outcomes if of == kind and pk in by_id]
        owner = np.array([row.shopper_id for row, _ in lists], np.int64)
        shadow = np.array([bool(wanted & set(row.shadow)) for row, wanted in lists], np.float64)
        serving = np.array([bool(wanted & set(row.serving)) for row, wanted in lists], np.float64)
        shares = [_share(values, owner) for values in (serving, shadow, shadow - serving)]
        if lists and all(shares):
            found.append(Hits(kind, len(lists), *(share for share in shares if share)))
    return tuple(found)


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
