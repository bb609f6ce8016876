"""Starting a run: which architecture, which seed, from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from recommender import services
from recommender.engine import architectures
from recommender.model_names import architecture_name
from recommender.models import TrainingRun, Tuning
from recsite.dashboard import runs
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Crumb, Notice, Option, PageHeader, Select
from recsite.dashboard.queries import models as queries

LARGEST_SEED = 2**31 - 1
PUBLISH = {"serve": "It serves at once", "keep": "It is stored, and a person promotes it"}
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
    tuning: int | None = None  # a search whose best settings are taken over
    warm: int | None = None  # a run with whose weights it begins
    publish: str = "serve"


class BadWish(ValueError):
    """The form holds what no run can be made of; the text says what was expected and what came."""


@dataclass(frozen=True)
class RetrainPage:
    """The form. ``notice`` says why it cannot be sent now, or what was wrong with it."""

    header: PageHeader
    notice: Notice | None
    architecture: Select
    seed: int
    warm: Select | None
    publish: Select
    like: int | None
    tuning: int | None
    like_text: str
    can_start: bool


def read_wish(params: Mapping[str, str]) -> Wish:
    """Raises :class:`BadWish`."""
    default = _default(params)
    architecture = params.get("architecture") or default.architecture
    if architecture not in architectures.NAMES:
        raise BadWish(f"Expected one of {', '.join(architectures.NAMES)}, received “{architecture[:40]}”.")
    seed = params.get("seed", "").strip() or str(default.seed)
    if not (seed.isascii() and seed.isdigit() and int(seed) <= LARGEST_SEED):
        raise BadWish(f"Expected a seed from 0 to {LARGEST_SEED:,}, received “{seed[:40]}”.")
    publish = params.get("publish") or "serve"
    if publish not in PUBLISH:
        raise BadWish(f"Expected {' or '.join(PUBLISH)}, received “{publish[:40]}”.")
    warm = _number(params, "warm")
    if warm and not TrainingRun.objects.filter(pk=warm).exclude(artifact="").exists():
        raise BadWish(f"Run {warm} has no weights to begin with.")
    return replace(default, architecture=architecture, seed=int(seed), publish=publish, warm=warm)


def _default(params: Mapping[str, str]) -> Wish:
    """What the run or the search that is to be followed was made with."""
    if like := _number(params, "like"):
        source = TrainingRun.objects.filter(pk=like).only("architecture", "seed").first()
        if source is None:
            raise BadWish(f"There is no run {like}.")
        return Wish(source.architecture, source.seed, like=like)
    if number := _number(params, "tuning"):
        tuning = Tuning.objects.filter(pk=number).exclude(best_config={}).first()
        if tuning is None:
            raise BadWish(f"There is no search {number} that has found anything.")
        return Wish(str(tuning.best_config.get("architecture", "deep")), tuning=number)
    return Wish()


def _number(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadWish(f"Expected the number of a run, received “{text[:40]}”.")
    return int(text) if text else None


def settings_of(wish: Wish) -> dict[str, Any]:
    """The settings that are taken over; the engine's own defaults for the others."""
    if wish.tuning:
        return services.still_known(Tuning.objects.get(pk=wish.tuning).best_config)
    return services.still_known(TrainingRun.objects.get(pk=wish.like).config) if wish.like else {}


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
        warm=_warm(wish),
        publish=Select(
            "publish",
            "When the gate lets it",
            [Option(key, text, key == wish.publish) for key, text in PUBLISH.items()],
        ),
        like=wish.like,
        tuning=wish.tuning,
        like_text=_like_text(wish),
        can_start=active is None,
    )


def _like_text(wish: Wish) -> str:
    if wish.tuning:
        return f"With the best settings of search {wish.tuning}."
    return f"With the settings of run {wish.like}." if wish.like else ""


def _warm(wish: Wish) -> Select | None:
    """Runs whose weights are on disk; of lists there are none to begin with."""
    kept = TrainingRun.objects.filter(architecture__in=architectures.NETWORKS).exclude(artifact="")
    runs_kept = list(kept.exclude(status__in=TrainingRun.ACTIVE).values_list("pk", "architecture")[:10])
    if not runs_kept:
        return None
    options = [Option("", "New weights", wish.warm is None)]
    options += [
        Option(str(pk), f"Those of run {pk} · {architecture_name(kind)}", pk == wish.warm) for pk, kind in runs_kept
    ]
    hint = "Only where features and layers are still the same; the run says whether they were."
    return Select("warm", "Begins with", options, hint=hint)


def _notice(active: TrainingRun | None, problem: str) -> Notice | None:
    if problem:
        return Notice("That did not start.", problem, "bad")
    return None if active is None else busy(active)


def busy(active: TrainingRun | Tuning | None) -> Notice:
    """Why a second run is not started."""
    if not isinstance(active, TrainingRun):
        return Notice("Another run is at work.", "One run is made at a time. Wait for it, or stop it.", "warn")
    word = runs.STATUSES[TrainingRun.Status(active.status)].lower()
    open_it = Action(f"See run {active.pk}", page("model", active.pk), small=True)
    return Notice(
        f"Run {active.pk} is {word}.", "One run is made at a time. Wait for it, or stop it.", "warn", linked(open_it)
    )
