"""One configuration tried: trained on earlier days, measured on the validation window.

The validation window is the horizon before the later days that a run is measured on. Those later days are cut off
before anything else happens, so that no trial can see them. What trials share – the sampled lists with their
features, and the features of every candidate of the measured shoppers – is computed once for each way of reading
the events (``pace``, ``kind_weights``), and kept on disk, so that a search that was killed finds it again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recommender.engine import exposure, lists, metrics, sampling, shards, tables
from recommender.engine.architectures import NETWORKS, architecture
from recommender.engine.candidates import candidates
from recommender.engine.config import Config
from recommender.engine.features import names, pair_features
from recommender.engine.fitting import fit_scorer
from recommender.engine.interactions import ShopData
from recommender.engine.plan import Plan, TooLittleData, choose_horizon, plan_of
from recommender.engine.profile import fold
from recommender.engine.progress import Clock, Progress
from recommender.engine.ranker import best_of
from recommender.engine.sampling import Pool, lists_to_learn
from recommender.engine.scorebook import Scorebook
from recommender.engine.splits import Split

#: Shoppers of the validation window that every trial is measured on: the error of the mean is near .013.
MEASURED = 600
#: The settings that change the features; all else shares them.
READING = ("pace", "kind_weights")


@dataclass(frozen=True)
class Outcome:
    """NDCG@10 on the validation window of any item and of new items, and the error of the first."""

    value: float
    new: float
    error: float


@dataclass(frozen=True)
class Candidates:
    """Every candidate of the measured shoppers: ``offsets`` int64 [S+1], ``items`` int64 [P], ``x`` float16 [P, F],
    ``unseen`` bool [P]: the shopper has not had it."""

    offsets: np.ndarray
    items: np.ndarray
    x: np.ndarray
    unseen: np.ndarray


@dataclass(frozen=True)
class Features:
    """What trials of one reading share: lists to learn from (newest cut first), lists of the validation window, the
    candidates that are ranked, and the names of the columns."""

    learned: tuple[Pool, ...]
    later: Pool
    asked: Candidates
    columns: tuple[str, ...]


class Bench:
    """Tries configurations on one shop; ``folder`` keeps features between them. Raises ``TooLittleData``."""

    def __init__(self, data: ShopData, base: Config, *, now: float, folder: Path) -> None:
        if not data.interactions.timed:
            raise TooLittleData("expected events with times: without, there is no window to validate on")
        self.base = replace(base, horizon_days=choose_horizon(data, base))
        end = float(np.nextafter(min(now, float(data.interactions.at.max())), np.inf))
        #: Nothing from here on is known to a trial.
        self.closed_at = end - float(self.base.horizon_days or 0)
        self.data = data.before(self.closed_at)
        self.plan: Plan = plan_of(self.data, self.base, self.closed_at)
        self.split = _sampled(self.plan.split, np.random.default_rng(base.seed))
        self.folder = folder
        self._held: tuple[str, Features] | None = None

    @property
    def window(self) -> dict[str, float]:
        """Days since 1970 and counts, for the row."""
        return {
            "validated_from": self.plan.split.now,
            "validated_to": self.plan.split.end,
            "closed_at": self.closed_at,
            "shoppers": float(len(self.split.shoppers)),
            "cuts": float(len(self.plan.measured)),
        }

    def try_out(
        self,
        config: Config,
        *,
        report: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Train ``config`` and measure it; ``report`` may raise to end the trial. Raises ``Stopped``."""
        config = replace(config, horizon_days=self.base.horizon_days)
        if config.architecture not in NETWORKS:
            return self._measured(self._listed(config))
        clock = Clock(report, stop, {})
        clock.enter("features", 0.0)
        found = self.features(config)
        clock.enter("train", 0.2)
        scorer = fit_scorer(
            list(found.learned), found.columns, config, clock, (0.2, 0.95), later=found.later, curves={}
        )
        clock.enter("measure", 0.95)
        asked = found.asked
        scores = np.concatenate([scorer(asked.x[at : at + 65_536].astype(np.float32)) for at in _starts(asked.x)])
        everything, _ = best_of(asked.offsets, asked.items, scores, lists.LIST_SIZE)
        new, _ = best_of(asked.offsets, asked.items, np.where(asked.unseen, scores, -np.inf), lists.LIST_SIZE)
        return self._measured(lists.Lists(everything, new))

    def features(self, config: Config) -> Features:
        """Those of the configuration's reading: from memory, from disk, or computed."""
        key = _key(config)
        if self._held is None or self._held[0] != key:
            self._held = None  # two of them at once may not fit
            file = self.folder / f"{key}.npz"
            found = _read(file)
            if found is None:
                _write(file, self._computed(config))
                found = _read(file)
                assert found is not None
            self._held = (key, found)
        return self._held[1]

    def _computed(self, config: Config) -> Features:
        rng = np.random.default_rng(config.seed)
        chosen = tables.telling_attributes(self.plan.split.known, self.plan.split.now, config)
        pools, kept = [], None
        seen = exposure.learned(self.data, self.plan.split.now, config)
        for cut in (*self.plan.measured, self.plan.newest):
            split = cut()
            kept = tables.fit(split.known, split.now, config, chosen)
            pools.append(lists_to_learn(split, kept, seen, config, rng, self.folder))
        assert kept is not None
        return Features(tuple(pools[:-1]), pools[-1], _candidates(kept, self.split, config), names(kept))

    def _listed(self, config: Config) -> lists.Lists:
        """An architecture that scores the catalogue itself."""
        rng = np.random.default_rng(config.seed)
        model = architecture(config.architecture).fit(self.split.known, self.split.now, config, rng)
        return lists.lists_of(model, self.split)

    def _measured(self, shown: lists.Lists) -> Outcome:
        sides = []
        for found, truth in ((shown.all, self.split.truth), (shown.new, self.split.unseen)):
            gains = metrics.gains_of(found, truth)
            sides.append(metrics.mean_and_error(metrics.ndcg_at(gains, truth, 10)))
        (value, error), (new, _) = sides
        return Outcome(value, float(np.nan_to_num(new)), float(np.nan_to_num(error)))


def _sampled(split: Split, rng: np.random.Generator) -> Split:
    """At most MEASURED of its shoppers."""
    if len(split.shoppers) <= MEASURED:
        return split
    rows = np.sort(rng.permutation(len(split.shoppers))[:MEASURED])
    mine = np.isin(split.truth.shoppers, rows)
    of = np.searchsorted(rows, split.truth.shoppers[mine])
    truth = metrics.truth_from_pairs(
        of, split.truth.items[mine], split.truth.gains[mine], len(rows), split.truth.n_items
    )
    return replace(split, shoppers=split.shoppers[rows], truth=truth, seen=split.seen[mine])


def _candidates(fitted: tables.Tables, split: Split, config: Config) -> Candidates:
    step = sampling.chunk_size(fitted.n)
    sizes, items, x, unseen = [], [], [], []
    for start in range(0, len(split.shoppers), step):
        profile = fold(split.histories(slice(start, start + step)), split.now, fitted.weigh, fitted.n)
        book = Scorebook(fitted, profile, keep=True)
        offsets, found = candidates(fitted, book, own=config.own_candidates, each=config.candidates)
        owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        sizes.append(np.diff(offsets))
        items.append(found)
        x.append(pair_features(fitted, profile, book, offsets, found).astype(np.float16))
        unseen.append(profile.find(owner, found) == len(profile.key))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return Candidates(offsets, np.concatenate(items), np.concatenate(x), np.concatenate(unseen))


def _starts(x: np.ndarray) -> range:
    return range(0, max(len(x), 1), 65_536)


def _key(config: Config) -> str:
    reading: Mapping[str, Any] = {name: getattr(config, name) for name in READING}
    return hashlib.sha256(json.dumps(reading, sort_keys=True).encode()).hexdigest()[:16]


#: What of a pool is kept with all else; its rows have a file of their own, of which trials read a shard at a time.
KEPT = tuple(name for name in Pool.__dataclass_fields__ if name != "x")


def _write(file: Path, found: Features) -> None:
    """Aside and renamed, after the rows of the lists: a half-written file is never read."""
    arrays: dict[str, np.ndarray] = {"columns": np.array(found.columns)}
    for number, pool in enumerate((*found.learned, found.later)):
        shards.save(pool.x, _rows_of(file, number))
        arrays |= {f"pool.{number}.{name}": getattr(pool, name) for name in KEPT}
    arrays |= {f"asked.{name}": getattr(found.asked, name) for name in Candidates.__dataclass_fields__}
    aside = file.with_name(f".{file.stem}.{os.getpid()}.npz")
    np.savez(aside, **arrays)  # type: ignore[arg-type]
    os.replace(aside, file)


def _read(file: Path) -> Features | None:
    if not file.exists():
        return None
    with np.load(file) as stored:
        count = len({name.split(".")[1] for name in stored.files if name.startswith("pool.")})
        columns = tuple(stored["columns"].tolist())
        pools = [
            Pool(
                x=shards.load(_rows_of(file, number), len(columns)),
                **{name: stored[f"pool.{number}.{name}"] for name in KEPT},
            )
            for number in range(count)
        ]
        asked = Candidates(**{name: stored[f"asked.{name}"] for name in Candidates.__dataclass_fields__})
        return Features(tuple(pools[:-1]), pools[-1], asked, columns)


def _rows_of(file: Path, number: int) -> Path:
    return file.with_suffix(f".{number}.rows")
