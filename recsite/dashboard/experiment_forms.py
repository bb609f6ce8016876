"""The form of a new experiment: what was typed, and what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.text import slugify

from recommender.experiments import SLUG_LENGTH
from recommender.models import Experiment, Placement
from recommender.placements import RESERVED, Setup, setup_of
from recsite.dashboard import placement_forms


@dataclass(frozen=True)
class Entries:
    """Everything as typed. ``slug`` empty: made of the title. ``setup``: the form of B."""

    setup: placement_forms.Entries
    title: str = ""
    slug: str = ""
    share: str = "50"
    goal: str = str(Experiment.Goal.CLICKS)


@dataclass(frozen=True)
class Read:
    """What was posted, B that it means and how many per cent get it; ``errors`` by field where it means none."""

    entries: Entries
    setup: Setup | None
    share: int
    errors: Mapping[str, str]


def fresh(placement: Placement) -> Read:
    """B is still what the placement does."""
    setup = setup_of(placement)
    return Read(Entries(placement_forms.entries_of(setup)), setup, 50, {})


def read(posted: QueryDict, placement: Placement) -> Read:
    """Parse and check what the form alone can tell; the rest is for ``experiments.start`` to say."""
    typed = placement_forms.read(posted, new=False).entries
    # Of a placement an experiment tries neither title nor state; the form's title is the experiment's.
    typed = replace(typed, title=placement.title, slug="", is_active=True, seen="")
    found = placement_forms.understood(typed, new=False)
    entries = Entries(
        setup=typed,
        title=posted.get("title", "").strip(),
        slug=posted.get("slug", "").strip(),
        share=posted.get("share", "").strip(),
        goal=posted.get("goal", ""),
    )
    errors = dict(found.errors)
    if not entries.share.isdecimal():
        errors["share"] = f"Share: expected a whole number of per cent, received “{entries.share}”."
    return Read(entries, found.setup, int(entries.share[:4]) if entries.share.isdecimal() else 0, errors)


def with_errors(found: Read, errors: Mapping[str, str]) -> Read:
    return replace(found, errors={**errors, **found.errors})


def name_of(entries: Entries) -> str:
    """The name in the API: as typed, else of the title, with a number where that is taken. At most one query."""
    if entries.slug:
        return entries.slug
    words = re.sub(r"[-_]+", "-", slugify(entries.title)).strip("-") or "experiment"
    stem = words[: SLUG_LENGTH - 4].strip("-")
    taken = {*Experiment.objects.filter(slug__startswith=stem).values_list("slug", flat=True), *RESERVED}
    return next(name for number in range(1, 1_000_000) if (name := _numbered(stem, number)) not in taken)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"
