"""Every version of every rule: who did what, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.models import RuleVersion
from recommender.rulebook import Wording
from recsite.dashboard import numbers, rule_words, tables
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Nothing, PageHeader
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.queries.rules import Written
from recsite.dashboard.rule_words import Names
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table


@dataclass(frozen=True)
class HistoryPage:
    """Every version of every rule, newest first."""

    header: PageHeader
    table: Table


_HAPPENED = {
    ("draft", "live"): "went live",
    ("paused", "live"): "resumed",
    ("ended", "live"): "went live again",
    ("live", "paused"): "paused",
    ("live", "ended"): "ended",
    ("paused", "ended"): "ended",
    ("live", "draft"): "taken back to a draft",
}


def build(params: Mapping[str, str], shop: Shop) -> HistoryPage:
    """Fifty a page."""
    total = RuleVersion.objects.count()
    number = tables.page_number(params, total)
    written = queries.versions(limit=tables.PAGE_SIZE, offset=(number - 1) * tables.PAGE_SIZE)
    names = queries.names_in(written, currency=shop.currency)
    rows = [
        Row(
            [
                Cell(numbers.moment(one.at)),
                Cell(one.name, href=page("rule", one.rule)),
                Cell("; ".join(what_happened(one, names))),
                Cell(one.by),
            ]
        )
        for one in written
    ]
    return HistoryPage(
        PageHeader(
            "History of rules",
            "Who did what, and when? Any version can be restored on its rule's page.",
            [Action("All rules", page("rules"))],
        ),
        Table(
            "Versions of rules, newest first",
            [Column("When"), Column("Rule"), Column("What"), Column("Who", wide=True)],
            rows,
            tables.pager(page=number, total=total, noun="versions", params=params),
            empty=Nothing(
                "No rule was written yet",
                "Every change of a rule stands here from the first on: who made it, when, and the way back.",
                [Action("See the rules", page("rules"), small=True)],
            ),
        ),
    )


def what_happened(written: Written, names: Names) -> list[str]:
    """What a version did, in words: first the state, then the wording."""
    now = Wording.from_dict(written.wording)
    if written.before is None:
        return [f"made: {rule_words.sentence(now, names)}"]
    was, is_now = str(written.before.get("status", "")), str(written.wording.get("status", ""))
    found = [_HAPPENED.get((was, is_now), f"{is_now}, was {was}")] if was != is_now else []
    return [*found, *rule_words.changes(Wording.from_dict(written.before), now, names)] or ["saved unchanged"]
