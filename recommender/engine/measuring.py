"""What a run's ranker is worth on the later days, beside every baseline and the model that serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.engine import baselines, evaluate, lists
from recommender.engine.calibration import Calibration
from recommender.engine.calibration import fit as fit_calibration
from recommender.engine.config import Config
from recommender.engine.hands import in_order
from recommender.engine.metrics import mean_and_error, pair_keys
from recommender.engine.progress import Clock
from recommender.engine.ranker import Ranker, best_of
from recommender.engine.sampling import chunk_size, truth_of
from recommender.engine.splits import Split

#: Under this name the metrics hold what the rival of a run was measured at.
RIVAL = "serving"
#: Ranks another model for the shoppers of a split, knowing no more than the ranker that is measured; None: cannot.
Rival = Callable[[Ranker, Split], lists.Lists | None]
#: Shoppers of the later days whose pairs calibrate the probabilities.
CALIBRATED = 2_000


@dataclass(frozen=True)
class Reach:
    """How far the candidates of S shoppers reach: ``proposed`` int64 [S]; ``hits`` int64 [S, 2]: those of any and of
    new items that were wanted later."""

    proposed: np.ndarray
    hits: np.ndarray

    def to_dict(self, split: Split, towers: int) -> dict[str, Any]:
        """Candidates a shopper, the part of them that is the towers', and the share of the truth among them (``mean``
        and ``se`` over shoppers)."""
        told: dict[str, Any] = {"a_shopper": float(self.proposed.mean()), "towers": towers}
        for side, truth, hits in (("ALL", split.truth, self.hits[:, 0]), ("NEW", split.unseen, self.hits[:, 1])):
            asked = truth.counts > 0
            mean, error = mean_and_error(hits[asked] / truth.counts[asked])
            told[side] = {"recall": mean, "se": error} if asked.any() else None
        return told


def measured(
    ranker: Ranker, split: Split, config: Config, clock: Clock, rival: Rival | None
) -> tuple[dict[str, Any], Calibration]:
    """The ranker beside every baseline and the rival on the later days, and the curve of its probabilities."""
    shown, scores, happened, owner, reach = ranked_lists(ranker, split)
    # One half of the shoppers draws the curve that the other half judges.
    half = owner % 2 == 0
    curve = fit_calibration(scores[half], happened[half])
    pairs = evaluate.Pairs(curve(scores[~half]), happened[~half])
    clock.enter("measure", 0.62)
    done = 0

    def told(name: str) -> None:
        nonlocal done
        done += 1
        clock.enter("measure", 0.62 + 0.16 * min(done / len(baselines.BASELINES), 1))

    # A baseline of the run's own name is the run itself: its figures are those of the lists that would serve.
    others = [name for name in baselines.BASELINES if name != config.architecture]
    found = baselines.baseline_lists(split, config, np.random.default_rng(config.seed), names=others, report=told)
    other = rival(ranker, split) if rival else None
    beside = evaluate.measure(
        {config.architecture: shown, **found, **({RIVAL: other} if other else {})},
        split,
        baselines=others,
        rivals=(RIVAL,),
        probabilities={config.architecture: pairs} if len(scores) else None,
    )
    towers = ranker.tables.towers
    reached = reach.to_dict(split, towers.nearest if towers else 0)
    return {**beside.to_dict(), "candidates": reached}, fit_calibration(scores, happened)


def ranked_lists(ranker: Ranker, split: Split) -> tuple[lists.Lists, np.ndarray, np.ndarray, np.ndarray, Reach]:
    """ALL and NEW lists of the split's shoppers; scores, outcomes and shopper of the candidates of some; the reach."""
    step, everything = chunk_size(ranker.n_items), np.ones(ranker.n_items, bool)
    truth = truth_of(split, ranker.n_items)

    def chunk(start: int) -> tuple[np.ndarray, ...]:
        rows = slice(start, start + step)
        part = split.histories(rows)
        profile, offsets, items, scores = ranker.scored(part, split.now, everything)
        owner = np.repeat(np.arange(len(part)), np.diff(offsets))
        unseen = profile.find(owner, items) == len(profile.key)
        wanted = np.isin(pair_keys(split.shoppers[rows][owner], items, ranker.n_items), truth.key)
        hits = [np.bincount(owner[mine], minlength=len(part)) for mine in (wanted, wanted & unseen)]
        shown = _best(offsets, items, scores), _best(offsets, items, np.where(unseen, scores, -np.inf))
        kept = slice(None if start < CALIBRATED else 0)
        return *shown, np.diff(offsets), np.stack(hits, 1), scores[kept], wanted[kept], owner[kept] + start

    parts = in_order(chunk, range(0, len(split.shoppers), step), ranker.config.threads)
    everybody, new, proposed, hits, scores, happened, owner = (np.concatenate(c) for c in zip(*parts, strict=True))
    return lists.Lists(everybody, new), scores, happened, owner, Reach(proposed, hits)


def _best(offsets: np.ndarray, items: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return best_of(offsets, items, scores, lists.LIST_SIZE)[0]
