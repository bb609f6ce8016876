"""A new experiment: the form of setup B beside the lists that both setups make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.experiments import SHARES, SLUG_LENGTH
from recommender.models import Placement
from recsite.dashboard import experiment_forms
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Crumb, Field, Notice, Option, PageHeader, SearchBox, Select
from recsite.dashboard.experiment_forms import Entries, Read
from recsite.dashboard.experiment_words import GOALS
from recsite.dashboard.pages import experiment_trial, placement_fields, placement_onlooker
from recsite.dashboard.pages.experiment_trial import Trial
from recsite.dashboard.pages.placement_fields import Fields
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class ExperimentNewPage:
    """Which placement, what the experiment is, setup B (``form``) and both lists."""

    header: PageHeader
    placement: Select
    action_url: str
    title: Field
    slug: Field
    share: Field
    goal: Select
    form: Fields
    shopper: SearchBox
    anchor: SearchBox
    trial: Trial
    notices: Sequence[Notice]


def build(
    placement: Placement,
    free: Sequence[Placement],
    found: Read,
    onlooker: Mapping[str, str],
    shop: Shop,
    *,
    tried: bool = False,
) -> ExperimentNewPage:
    """``free``: where one can be started. ``tried``: it was to be started, so that errors stand at their fields."""
    typed, errors = found.entries, found.errors if tried else {}
    wish, told = placement_onlooker.read_onlooker(onlooker, shop)
    return ExperimentNewPage(
        header=PageHeader(
            "New experiment",
            f"Is another setup better on “{placement.title}”? Started, it is live at once.",
            crumbs=[Crumb("Experiments", page("experiments"))],
        ),
        placement=_placement(placement, free),
        action_url=page("experiment-new", placement=placement.slug),
        title=_title(typed, errors),
        slug=_slug(typed, errors),
        share=_share(typed, errors),
        goal=_goal(typed),
        form=placement_fields.build(typed.setup, errors, is_new=False, currency=shop.currency),
        shopper=placement_onlooker.shopper_box(wish.shopper, prefix="preview_", submit=False),
        anchor=placement_onlooker.anchor_box(wish, prefix="preview_", submit=False),
        trial=experiment_trial.build(placement, found, wish, shop),
        notices=[*told, *([Notice("Nothing was started.", " ".join(errors.values()), "bad")] if errors else [])],
    )


def _placement(chosen: Placement, free: Sequence[Placement]) -> Select:
    return Select("placement", "On", [Option(one.slug, one.title, one.slug == chosen.slug) for one in free])


def _title(typed: Entries, errors: Mapping[str, str]) -> Field:
    return Field(
        "title", "What is tried", typed.title, required=True, error=errors.get("title", ""),
        limits={"maxlength": "120", "placeholder": "Gentle variety on Home"},
    )  # fmt: skip


def _slug(typed: Entries, errors: Mapping[str, str]) -> Field:
    return Field(
        "slug", "Name in the API", typed.slug, error=errors.get("slug", ""),
        hint="Answers name the setup by it, as name:a or name:b. Empty: made of what is tried.",
        limits={
            "maxlength": str(SLUG_LENGTH), "pattern": "[a-z0-9]+(-[a-z0-9]+)*",
            "placeholder": experiment_forms.name_of(typed) if typed.title else "gentle-variety-on-home",
        },
    )  # fmt: skip


def _share(typed: Entries, errors: Mapping[str, str]) -> Field:
    return Field(
        "share", "Shoppers who get B, in per cent", typed.share, "number", required=True,
        error=errors.get("share", ""), limits={"min": str(SHARES[0]), "max": str(SHARES[1])},
    )  # fmt: skip


def _goal(typed: Entries) -> Select:
    return Select(
        "goal", "What decides", [Option(key, words, key == typed.goal) for key, words in GOALS.items()],
        hint="Said beforehand. The other measures are shown too.",
    )  # fmt: skip
