"""Which rules the page shows, and the bar that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recommender.models import Rule
from recsite.dashboard import numbers, rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import FilterBar, Option, Select, any_or_one
from recsite.dashboard.pages.rules_scene import Scene, owner_of
from recsite.dashboard.rule_states import STATES, state_of
from recsite.dashboard.rule_words import VERB_WORDS


def passes(row: Rule, params: Mapping[str, str], scene: Scene) -> bool:
    """Whether the address's filter lets it through; ended rules only where they are asked for."""
    wanted, name = params.get("status", ""), state_of(row, scene.now)
    if wanted != "all" and name != wanted and (wanted or name == "ended"):
        return False
    if params.get("verb") and row.verb != params["verb"]:
        return False
    if params.get("placement") and row.placements and params["placement"] not in row.placements:
        return False
    if params.get("owner") and str(row.owner_id) != params["owner"]:
        return False
    text = params.get("q", "").strip().casefold()
    return not text or any(text in part.casefold() for part in _texts(row, scene))


def _texts(row: Rule, scene: Scene) -> Iterator[str]:
    yield row.name
    yield row.note
    yield rule_words.sentence(scene.wordings[row.pk], scene.names)
    yield from map(str, row.condition.get("products", ()))


def bar(params: Mapping[str, str], scene: Scene, total: int) -> FilterBar:
    """``total``: of the rules that pass."""
    owners = {str(row.owner_id): owner_of(row) for row in scene.rows if row.owner_id}
    set_ones = [name for name in ("q", "status", "verb", "placement", "owner") if params.get(name)]
    return FilterBar(
        action=page("rules"),
        query=params.get("q", ""),
        placeholder="Filter rules by name or product",
        selects=[
            any_or_one("placement", "Placement", "Any placement", scene.names.placements, params.get("placement", "")),
            any_or_one("verb", "Verb", "Any verb", VERB_WORDS, params.get("verb", "")),
            Select("status", "State", [Option(k, v, k == params.get("status", "")) for k, v in STATES.items()]),
            any_or_one("owner", "Owner", "Any owner", owners, params.get("owner", "")),
        ],
        count=numbers.plural(total, "rule"),
        clear_href=page("rules") if set_ones else "",
        target="list",
    )
