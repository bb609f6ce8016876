"""Which wordings may stand."""

from __future__ import annotations

from collections.abc import Mapping

from recommender.conditions import ConditionError
from recommender.models import Placement
from recommender.rulebook.wording import Wording

LAST_PRIORITY = 999  # what a person may type; 1 runs first


class Refused(ValueError):
    """A wording that cannot stand: ``errors`` by field, each with what was expected and what came."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


def check(wording: Wording) -> None:
    """Raise :class:`Refused` with everything that is wrong. One query."""
    sizes = dict(Placement.objects.filter(is_active=True).values_list("slug", "n"))
    if errors := {**_unreadable(wording), **_out_of_bounds(wording, sizes)}:
        raise Refused(errors)


def _unreadable(wording: Wording) -> dict[str, str]:
    try:
        wording.compiled()
    except ConditionError as error:
        return {error.field: _as_sentence(error)}
    return {}


def _as_sentence(error: ConditionError) -> str:
    if error.field == "condition":
        return "Which products? Name at least one product, category, brand, tag, price, stock, age or attribute."
    text = str(error).removeprefix(f"{error.field}: ")
    return f"{error.field.replace('_', ' ').capitalize()}: {text}."


def _out_of_bounds(wording: Wording, sizes: Mapping[str, int]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 1 <= len(wording.name.strip()) <= 120:
        errors["name"] = f"Name: expected 1 … 120 letters, received {len(wording.name.strip())}."
    unknown = [slug for slug in wording.placements if slug not in sizes]
    if unknown:
        errors["placements"] = f"Placements: expected some of {', '.join(sizes)}; received {', '.join(unknown)}."
    if wording.starts_at and wording.ends_at and wording.ends_at <= wording.starts_at:
        errors["ends_at"] = "The end must come after the start."
    if not 1 <= wording.priority <= LAST_PRIORITY:
        errors["priority"] = f"Priority: expected 1 (runs first) … {LAST_PRIORITY}, received {wording.priority}."
    if wording.verb == "pin" and "placements" not in errors:
        errors |= _beyond(wording, sizes)
    return errors


def _beyond(wording: Wording, sizes: Mapping[str, int]) -> dict[str, str]:
    """A pin behind the end of every list that it is for would never show."""
    position = wording.parameters.get("position", 1)
    reached = {slug: sizes[slug] for slug in wording.placements or sizes}
    if not isinstance(position, int) or not reached:
        return {}
    short = {slug: n for slug, n in reached.items() if position > n}
    # Everywhere also means the short ones, where the pin ends the list; a placement that was named must have room.
    if short and (wording.placements or len(short) == len(reached)):
        named = ", ".join(f"{n} products in {slug}" for slug, n in short.items())
        return {"position": f"Position: expected at most {min(short.values())} ({named}), received {position}."}
    return {}
