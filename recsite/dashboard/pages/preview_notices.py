"""What is to be said above previewed lists: what is unusual about them, why two are one and the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from recommender.models import Rule
from recommender.serve import Answer
from recsite.dashboard import preview, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Notice
from recsite.dashboard.preview import Listing


def of_lists(*listings: Listing | None) -> list[Notice]:
    """What is unusual about the lists; what holds for both is said once."""
    told: dict[Notice, str] = {}
    for mark, listing in zip("AB", listings, strict=False):
        for notice in _unusual(listing.answer) if listing else ():
            told[notice] = told.get(notice, "") + mark
    if len([listing for listing in listings if listing]) == 1:
        return list(told)
    return [replace(notice, title=f"{' and '.join(marks)}: {notice.title}") for notice, marks in told.items()]


def _unusual(answer: Answer) -> Iterator[Notice]:
    if not answer.items:
        yield Notice("The list is empty", preview.why_empty(answer), "warn")
    elif answer.fallback:
        words = answer.fallback.replace("_", " ")
        yield Notice(f"From the fallback “{words}”", "The placement’s own strategy had nothing to go by.", "grey")
    if answer.experiment:
        name, _, arm = answer.experiment.rpartition(":")
        text = f"“{name}” runs on this placement, and chance gives this shopper setup {arm.upper()} of it."
        yield Notice("By an experiment", text, "grey")
    if answer.degraded:
        yield Notice("Made in part", "Redis did not answer, so the newest events are missing.", "warn")


def of_sameness(a: Listing, b: Listing | None, permissions: frozenset[str]) -> list[Notice]:
    """Why two lists that were to be compared are one and the same."""
    if b is None or [item.product for item in a.items] != [item.product for item in b.items] or not a.items:
        return []
    kinds = {a.setting.rules, b.setting.rules}
    why, to_do = "What tells the two apart does not touch this list.", []
    if a.setting.generation == b.setting.generation and len(kinds) == 2:
        statuses = [Rule.Status.LIVE] if "off" in kinds else []
        statuses += [Rule.Status.DRAFT] if "draft" in kinds else []
        rows = Rule.objects.filter(status__in=statuses)
        if rows.filter(starts_at__gt=a.answer.as_of).exists():
            why = "A rule that starts later does not run yet: set “As of” to look ahead."
        elif not rows.exists():
            words = " or ".join("live" if status == Rule.Status.LIVE else "a draft" for status in statuses)
            why = f"No rule is {words} now. A rule that is being written shows here as soon as it is saved."
            editor = page("rule-new", placement=a.wish.placement.slug) if roles.EDIT_RULES in permissions else ""
            to_do = linked(Action("Write a rule", editor, small=True))
    return [Notice("Both lists are the same.", why, "grey", to_do)]
