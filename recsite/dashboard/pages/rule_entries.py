"""What was sent to the rule editor: the entries, what they say, what cannot stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from recommender import rulebook
from recommender.models import Rule
from recommender.rulebook import Refused, Wording, wording_of
from recsite.dashboard import rule_fixes, rule_forms, rule_spans, rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Notice
from recsite.dashboard.names import full_name
from recsite.dashboard.pages import rule_terms
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_forms import RuleForm
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class Read:
    """What was sent: the entries, what they say, and what cannot stand, by field. ``notice``: said above them."""

    form: RuleForm
    wording: Wording
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None

    def with_errors(self, errors: Mapping[str, str]) -> Read:
        return replace(self, errors={**self.errors, **errors})

    def over(self, rule: Rule, by: str) -> Read:
        """The same entries, to be saved over what somebody else wrote meanwhile, if one still wants that."""
        who = by or "Somebody"
        text = (
            f"It is version {rule.version} now; you edited version {self.form.seen}. What you entered is still here, "
            "nothing was saved. Look at the history below; saving again puts your entries over theirs."
        )
        title = f"{who} changed this rule while you edited it."
        notice = Notice(title, text, "warn", [Action("Drop mine, show theirs", page("rule", rule.pk), small=True)])
        return replace(self, form=replace(self.form, seen=rule.version), notice=notice)


def form_of(rule: Rule, shop: Shop) -> RuleForm:
    return rule_forms.form_of(wording_of(rule), shop.zone, seen=rule.version)


def read(data: QueryDict, shop: Shop) -> Read:
    """The entries as sent. ``fix`` (``position:3``) and ``span`` (times) are put into them first; what stands in a
    search box unchosen is looked up unless the form is only being followed as one types."""
    form = rule_forms.posted(data)
    errors: dict[str, str] = {}
    if data.get("do") or data.get("fix") or data.get("span"):
        form, errors = _looked_up(form, rule_forms.typed(data))
    if fix := data.get("fix"):
        form = _fixed(form, fix, shop)
    if span := data.get("span"):
        form = rule_spans.with_span(form, span)
    return judged(form, shop, errors)


def judged(form: RuleForm, shop: Shop, errors: Mapping[str, str] | None = None) -> Read:
    wording, unread = rule_forms.read(form, shop.zone)
    found = dict(errors or {}) | unread
    wording = replace(wording, name=wording.name or default_name(wording, shop))
    try:
        rulebook.check(wording)
    except Refused as refused:
        found = {**refused.errors, **found}
    return Read(form, wording, found)


def default_name(wording: Wording, shop: Shop) -> str:
    """What a rule is called that nobody named."""
    return rule_words.command(wording, queries.names_for([wording], currency=shop.currency))[:120]


def _looked_up(form: RuleForm, typed: Mapping[str, str]) -> tuple[RuleForm, dict[str, str]]:
    """The form with what was typed into the searches, where it names something."""
    errors = {}
    for name, text in typed.items():
        found = _product_id(text) if name == "products" else rule_terms.known(name, text)
        if found is None:
            what = rule_terms.KINDS.get(name, "product")
            errors[name] = f"No {what} is called “{text}”. Choose one from the search, or enter its № or whole name."
        elif found not in getattr(form, name):
            added: dict[str, Any] = {name: (*getattr(form, name), found)}
            form = replace(form, **added)
    return form, errors


def _product_id(text: str) -> str | None:
    found, _ = product_queries.suggestions(text.removeprefix("№").strip(), start=None, limit=2)
    exact = [product for product, _ in found if product.external_id == text or full_name(product) == text]
    rows = exact or [product for product, _ in found]
    return rows[0].external_id if len(rows) == 1 else None


def _fixed(form: RuleForm, fix: str, shop: Shop) -> RuleForm:
    do, _, value = fix.partition(":")
    wording, _ = rule_forms.read(form, shop.zone)
    try:
        changed = rule_forms.form_of(rule_fixes.fixed(wording, do, value), shop.zone, seen=form.seen)
    except ValueError:
        return form
    taken = {
        "position": "position",
        "start": "starts_at",
        "priority": "priority",
        "leave": "placements",
        "open": "ends_at",
    }
    return replace(form, **{taken[do]: getattr(changed, taken[do])})
