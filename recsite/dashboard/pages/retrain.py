"""Starting a run: which architecture, which seed, from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.engine import architectures
from recommender.models import TrainingRun
from recsite.dashboard import runs
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Crumb, Notice, Option, PageHeader, Select
from recsite.dashboard.measures import architecture_name
from recsite.dashboard.queries import models as queries

LARGEST_SEED = 2**31 - 1
_ABOUT = {
    "deep": "the default: a network over every feature",
    "textbook": "sigmoid layers of 10 and 5, squared error",
    "wide_deep": "a network beside a linear part",
    "two_tower": "learned embeddings of shoppers and products",
    "sequence": "reads the last events in order",
    "popularity": "what sells most",
    "own_history": "what each one bought before",
    "item_knn": "what goes with what was bought",
    "als": "factors of shoppers and products",
    "ease": "a linear model of products",
    "content": "products with like attributes",
    "hybrid": "the classical ones together",
}


@dataclass(frozen=True)
class Wish:
    """What the form asks for."""

    architecture: str = "deep"
    seed: int = 0
    like: int | None = None  # a run whose settings are taken over


class BadWish(ValueError):
    """The form holds what no run can be made of; the text says what was expected and what came."""


@dataclass(frozen=True)
class RetrainPage:
    """The form. ``notice`` says why it cannot be sent now, or what was wrong with it."""

    header: PageHeader
    notice: Notice | None
    architecture: Select
    seed: int
    like: int | None
    like_text: str
    can_start: bool


def read_wish(params: Mapping[str, str]) -> Wish:
    """Raises :class:`BadWish`."""
    like = params.get("like", "").strip()
    if like and not like.isdigit():
        raise BadWish(f"Expected the number of a run, received “{like[:40]}”.")
    source = TrainingRun.objects.filter(pk=int(like)).only("architecture", "seed").first() if like else None
    if like and source is None:
        raise BadWish(f"There is no run {like}.")
    default = Wish(source.architecture, source.seed, source.pk) if source else Wish()
    architecture = params.get("architecture") or default.architecture
    if architecture not in architectures.NAMES:
        raise BadWish(f"Expected one of {', '.join(architectures.NAMES)}, received “{architecture[:40]}”.")
    seed = params.get("seed", "").strip() or str(default.seed)
    if not (seed.isascii() and seed.isdigit() and int(seed) <= LARGEST_SEED):
        raise BadWish(f"Expected a seed from 0 to {LARGEST_SEED:,}, received “{seed[:40]}”.")
    return Wish(architecture, int(seed), default.like)


def build(wish: Wish, *, problem: str = "") -> RetrainPage:
    """``problem``: what was wrong with the form as it was sent."""
    active, serving = queries.active(), queries.serving()
    goes_on = f"Model {serving.run} serves until then." if serving else "Best sellers serve until then."
    return RetrainPage(
        header=PageHeader(
            "Start a retrain",
            f"The run reads all events up to now, learns, is measured, and serves if the gate lets it. {goes_on}",
            crumbs=[Crumb("Models", page("models"))],
        ),
        notice=_notice(active, problem),
        architecture=Select(
            "architecture",
            "Architecture",
            [
                Option(
                    name,
                    f"{architecture_name(name)} – {_ABOUT[name]}" if name in _ABOUT else architecture_name(name),
                    name == wish.architecture,
                )
                for name in architectures.NAMES
            ],
            hint="Each is measured on the same later days beside the same baselines.",
        ),
        seed=wish.seed,
        like=wish.like,
        like_text=f"With the settings of run {wish.like}." if wish.like else "",
        can_start=active is None,
    )


def _notice(active: TrainingRun | None, problem: str) -> Notice | None:
    if problem:
        return Notice("That did not start.", problem, "bad")
    return None if active is None else busy(active)


def busy(active: TrainingRun | None) -> Notice:
    """Why a second run is not started."""
    if active is None:
        return Notice("Another run is at work.", "One run is made at a time. Wait for it, or stop it.", "warn")
    word = runs.STATUSES[TrainingRun.Status(active.status)].lower()
    open_it = Action(f"See run {active.pk}", page("model", active.pk), small=True)
    return Notice(
        f"Run {active.pk} is {word}.", "One run is made at a time. Wait for it, or stop it.", "warn", linked(open_it)
    )
