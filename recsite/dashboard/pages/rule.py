"""The rule editor: what will this do? The form, beside it the list that the API would answer with the draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from django.http import QueryDict
from django.utils import timezone

from recommender import rulebook, state
from recommender.conditions import SEPARATOR, ConditionError
from recommender.conflicts import REMARKS
from recommender.models import Rule
from recommender.rulebook import Refused, Wording, wording_of
from recommender.rules import NO_RULE, STRENGTHS, CompiledRule
from recsite.dashboard import numbers, preview, roles, rule_fixes, rule_forms, rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import (
    Action,
    Component,
    Crumb,
    Dialog,
    Notice,
    Option,
    SearchBox,
    Select,
    Stat,
    State,
    StatStrip,
)
from recsite.dashboard.evidence import RuleTrace, TraceStep
from recsite.dashboard.lists import TileCard, TileList, moves
from recsite.dashboard.names import full_name
from recsite.dashboard.pages import rule_conflicts, rule_terms
from recsite.dashboard.pages.preview import read_wish
from recsite.dashboard.pages.rules import change_of, shown_state, what_happened
from recsite.dashboard.pages.shopper import name_of
from recsite.dashboard.preview import ANCHORED, Listing, Wish
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.queries import shoppers as shopper_queries
from recsite.dashboard.queries.rules import Effect
from recsite.dashboard.rule_fixes import Told
from recsite.dashboard.rule_forms import LISTS, NUMBERS, OWN, AttributeText, RuleForm
from recsite.dashboard.rule_words import DAYS, VERB_WORDS, Names
from recsite.dashboard.shop import Shop

NEW = 2**62  # stands for the id of a rule that is not stored yet: it will be the highest, so it runs last of equals
DEEP = 100  # places looked at for where a product would be without the rule
VERSIONS = 20
_SEARCHES = {  # list of the form: (name of the box's field, label, placeholder)
    "products": ("add_product", "Products", "Find by name or №"),
    "categories": ("add_category", "Categories, with all below", "Find a category"),
    "brands": ("add_brand", "Brands", "Find a brand"),
    "tags": ("add_tag", "Tags", "Find a tag"),
}
_HINTS = {
    "pin": "Stands at one place of the list. Of several products the best that may be shown.",
    "boost": "Moves up: × 2 lifts a score by as much as the scores of a list usually differ.",
    "bury": "Moves down, without leaving.",
    "exclude": "Is never shown. Wins over every pin.",
    "only": "Nothing else is shown.",
    "spread": "At most so many of one brand or category; the best stay.",
}


@dataclass(frozen=True)
class Submit:
    """A button that sends the editor's form: ``name`` and ``value`` say what for."""

    template: ClassVar[str] = "partials/submit.html"
    label: str
    value: str
    name: str = "do"
    kind: str = "default"
    small: bool = False
    save: bool = False  # what Ctrl ↵ presses

    @property
    def classes(self) -> str:
        return (
            "button"
            + (f" button-{self.kind}" if self.kind != "default" else "")
            + (" button-small" if self.small else "")
        )


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


@dataclass(frozen=True)
class Chosen:
    """A value of a list, with a box to take it off."""

    value: str
    text: str


@dataclass(frozen=True)
class ListField:
    """Products, categories, brands or tags: those chosen, and a search for more."""

    name: str
    label: str
    chosen: Sequence[Chosen]
    search: SearchBox
    error: str = ""


@dataclass(frozen=True)
class NumberPair:
    """Two fields for a range: from and to."""

    label: str
    low: str
    low_value: str
    high: str
    high_value: str
    error: str = ""


@dataclass(frozen=True)
class Check:
    value: str
    label: str
    checked: bool
    icon: str = ""


@dataclass(frozen=True)
class Fields:
    """The left card, ready to draw."""

    name: str
    name_hint: str
    verbs: Sequence[Check]
    verb_hints: Sequence[tuple[str, str]]
    lists: Sequence[ListField]
    ranges: Sequence[NumberPair]
    attributes: Sequence[AttributeText]
    attribute_names: Sequence[str]
    position: str
    strength: Select
    factor: str
    limit: str
    by: Select
    placements: Sequence[Check]
    segments: Sequence[Check]
    starts_at: str
    ends_at: str
    zone: str
    weekdays: Sequence[Check]
    opens: str
    closes: str
    priority: str
    priority_hint: str
    note: str
    seen: int
    more_open: bool
    hours_open: bool


@dataclass(frozen=True)
class Trial:
    """The right side: the list with the draft, rank moves against the list without it, and what it says."""

    title: str
    tiles: TileList | None
    leaves: str
    empty: str
    timing: str
    open_href: str
    notices: Sequence[Notice]
    reach: StatStrip
    trace: RuleTrace


@dataclass(frozen=True)
class TrialInputs:
    shopper: SearchBox
    segment: Select
    placement: Select
    anchor: SearchBox
    at: str


@dataclass(frozen=True)
class Version:
    number: int
    when: str
    who: str
    what: Sequence[str]
    can_restore: bool


@dataclass(frozen=True)
class RulePage:
    title: str
    crumbs: Sequence[Crumb]
    state: State | None
    sentence: str
    actions: Sequence[Component]
    action_url: str
    fields: Fields
    errors: Mapping[str, str]
    notices: Sequence[Notice]
    inputs: TrialInputs
    trial: Trial
    effect: StatStrip | None
    effect_note: str
    versions: Sequence[Version]
    can_edit: bool
    pk: int


# --- Reading ---


def form_of(rule: Rule, shop: Shop) -> RuleForm:
    return rule_forms.form_of(wording_of(rule), shop.zone, seen=rule.version)


def read(data: QueryDict, shop: Shop) -> Read:
    """The entries as sent. ``fix`` (``position:3``) is put into them first; what stands in a search box unchosen is
    looked up unless the form is only being followed as one types."""
    form = rule_forms.posted(data)
    errors: dict[str, str] = {}
    if data.get("do") or data.get("fix"):
        form, errors = _looked_up(form, rule_forms.typed(data))
    if fix := data.get("fix"):
        form = _fixed(form, fix, shop)
    return _judged(form, shop, errors)


def _judged(form: RuleForm, shop: Shop, errors: Mapping[str, str] | None = None) -> Read:
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


def read_trial(data: QueryDict) -> dict[str, str]:
    """Whose list the preview shows, as the preview page names it."""
    wanted = {
        name: data.get(f"preview_{name}", "").strip() for name in ("shopper", "segment", "placement", "product", "at")
    }
    wanted["shopper_text"] = data.get("preview_shopper_text", "").strip()
    return {name: value for name, value in wanted.items() if value}


# --- Building ---


@dataclass(frozen=True)
class _Scene:
    """What all parts of the page go by."""

    rule: Rule | None
    form: RuleForm
    wording: Wording
    draft: CompiledRule | None  # None while it cannot be read
    others: Sequence[Rule]  # live and draft, without this one
    sizes: Mapping[str, int]
    names: Names
    shop: Shop
    now: datetime
    can_edit: bool

    @property
    def pk(self) -> int:
        return self.rule.pk if self.rule else NEW

    @property
    def live(self) -> list[CompiledRule]:
        return queries.compiled_of(row for row in self.others if row.status == Rule.Status.LIVE)


def build(
    form: RuleForm,
    trial: Mapping[str, str],
    shop: Shop,
    *,
    permissions: frozenset[str],
    rule: Rule | None = None,
    read: Read | None = None,
    tried: bool = False,
) -> RulePage:
    """``read``: what was sent, else ``form`` is read here. ``tried``: it was to be saved, so what is wrong is said."""
    read = read or _judged(form, shop)
    scene = _scene(rule, read, shop, permissions)
    wish, wish_notices = _wish(trial, scene)
    found = _conflicts(scene)
    told = found.open
    return RulePage(
        title=rule.name if rule else "New rule",
        crumbs=[Crumb("Rules", page("rules"))],
        state=shown_state(rule, scene.now) if rule else None,
        sentence=rule_words.sentence(read.wording, scene.names) + ".",
        actions=_actions(scene),
        action_url=page("rule", rule.pk) if rule else page("rule-new"),
        fields=_fields(scene, read.errors if tried or _entered(read) else {}),
        errors=read.errors if tried else {},
        notices=[notice for notice in (read.notice, _wrong(read.errors) if tried else None) if notice],
        inputs=_inputs(wish, trial, scene),
        trial=_trial(scene, wish, [*wish_notices, *_notices(scene, read, found)], told),
        effect=(effect := _effect(rule, shop))[0],
        effect_note=effect[1],
        versions=_versions(rule, scene) if rule else [],
        can_edit=scene.can_edit,
        pk=scene.pk,
    )


def _scene(rule: Rule | None, read: Read, shop: Shop, permissions: frozenset[str]) -> _Scene:
    awake = Rule.objects.filter(status__in=[Rule.Status.LIVE, Rule.Status.DRAFT]).order_by("priority", "id")
    others = [row for row in awake if rule is None or row.pk != rule.pk]
    wordings = [read.wording, *map(wording_of, others)]
    try:
        # Nobody named it yet: conflicts and reasons say "this rule" of it.
        named = replace(read.wording, name=read.form.name or "this rule")
        draft = named.compiled(rule.pk if rule else NEW)
    except ConditionError:
        draft = None
    return _Scene(
        rule=rule,
        form=read.form,
        wording=read.wording,
        draft=draft,
        others=others,
        sizes=queries.placement_sizes(),
        names=queries.names_for(wordings, currency=shop.currency),
        shop=shop,
        now=timezone.now(),
        can_edit=roles.EDIT_RULES in permissions,
    )


def _entered(read: Read) -> bool:
    """Whether anything is there that could be wrong; an untouched form is not scolded."""
    return bool(read.errors) and set(read.errors) != {"condition"}


def _wrong(errors: Mapping[str, str]) -> Notice | None:
    return Notice("Not saved.", " ".join(errors.values()), "bad") if errors else None


def _actions(scene: _Scene) -> list[Component]:
    if not scene.can_edit:
        return []
    rule = scene.rule
    if rule is None:
        return [
            Action("Discard", page("rules"), "quiet"),
            Submit("Save draft", "save", save=True),
            Submit(_go_live(scene), "live", kind="primary"),
        ]
    if rule.status == Rule.Status.DRAFT:
        return [
            Action("Delete draft", page("rule-delete", rule.pk), "quiet"),
            Submit("Save draft", "save", save=True),
            Submit(_go_live(scene), "live", kind="primary"),
        ]
    if rule.status == Rule.Status.LIVE:
        return [
            _state_action(rule, "End", "end"),
            _state_action(rule, "Pause", "pause"),
            Submit("Save changes", "save", kind="primary", save=True),
        ]
    word = "Resume" if rule.status == Rule.Status.PAUSED else "Go live again"
    return [Submit("Save", "save", save=True), Submit(word, "live", kind="primary")]


def _state_action(rule: Rule, label: str, do: str) -> Action:
    kind = "quiet" if do == "end" else "default"
    return Action(label, page("rule-do", rule.pk), kind, post=True, fields={"do": do})


def _go_live(scene: _Scene) -> str:
    start = scene.wording.starts_at
    if start and start > scene.now:
        return f"Go live on {numbers.day(start, year=start.year != scene.now.year)}"
    return "Go live"


# --- The form ---


def _fields(scene: _Scene, errors: Mapping[str, str]) -> Fields:
    form = scene.form
    shelf = state.current().catalogue.shelf
    known = sorted({*shelf.attributes, *shelf.numbers})
    return Fields(
        name=form.name,
        name_hint=default_name(scene.wording, scene.shop) if not form.name else "",
        verbs=[Check(verb, words, verb == form.verb, verb) for verb, words in VERB_WORDS.items()],
        verb_hints=list(_HINTS.items()),
        lists=[_list_field(name, scene, errors) for name in LISTS],
        ranges=_ranges(form, scene.names.currency, errors),
        attributes=[*form.attributes, AttributeText()],
        attribute_names=known,
        position=form.position,
        strength=_strengths(form),
        factor=form.factor,
        limit=form.limit,
        by=_spreads(form, known),
        placements=[
            Check(slug, scene.names.placement(slug), slug in form.placements)
            for slug in dict.fromkeys([*scene.sizes, *form.placements])
        ],
        segments=[
            Check(name, name.capitalize(), name in form.segments)
            for name in dict.fromkeys([*(name for name, _ in shopper_queries.segments()), *form.segments])
        ],
        starts_at=form.starts_at,
        ends_at=form.ends_at,
        zone=str(scene.shop.zone),
        weekdays=[Check(str(day), name[:2], str(day) in form.weekdays) for day, name in enumerate(DAYS)],
        opens=form.opens,
        closes=form.closes,
        priority=form.priority,
        priority_hint=_place(scene),
        note=form.note,
        seen=form.seen,
        more_open=bool(form.numbers or form.attributes or form.tags or form.brands or form.categories)
        or form.verb not in ("pin", "exclude"),
        hours_open=bool(form.weekdays or form.opens or form.closes),
    )


def _list_field(name: str, scene: _Scene, errors: Mapping[str, str]) -> ListField:
    field_name, label, placeholder = _SEARCHES[name]
    url = page("search", kinds="products") if name == "products" else page("rule-terms", of=name)
    words = scene.names.product if name == "products" else (lambda value: value.replace(SEPARATOR, " › "))
    chosen = [Chosen(value, words(value)) for value in getattr(scene.form, name)]
    search = SearchBox(f"rule-{name}", label, url, placeholder, name=field_name)
    return ListField(name, label, chosen, search, errors.get(name, ""))


def _ranges(form: RuleForm, currency: str, errors: Mapping[str, str]) -> list[NumberPair]:
    labels = {"price": f"Price ({currency})", "stock": "Stock", "age": "Days since added"}
    found = []
    for low, high in zip(list(NUMBERS)[::2], list(NUMBERS)[1::2], strict=True):
        error = errors.get(low, "") or errors.get(high, "")
        values = form.numbers.get(low, ""), form.numbers.get(high, "")
        found.append(NumberPair(labels[low.split("_")[0]], low, values[0], high, values[1], error))
    return found


def _strengths(form: RuleForm) -> Select:
    sign = -1 if form.verb == "bury" else 1
    options = [
        Option(name, f"{name.capitalize()} (× {factor**sign:g})", name == form.strength)
        for name, factor in STRENGTHS.items()
    ]
    return Select("strength", "How strongly", [*options, Option(OWN, "By a factor of my own", form.strength == OWN)])


def _spreads(form: RuleForm, attributes: Iterable[str]) -> Select:
    named = {"brand": "brand", "category:1": "top category", "category": "category"}
    named |= {name: name.replace("_", " ") for name in attributes if name not in named}
    named.setdefault(form.by, form.by.replace(":", ", level "))
    return Select("by", "of one", [Option(key, text, key == form.by) for key, text in named.items()])


def _place(scene: _Scene) -> str:
    """``1 runs first. Now 4 of 10, 1 of 2 in its step``, among what is live or a draft."""
    me = (rule_words.order_of(scene.wording.verb) if scene.wording.verb in VERB_WORDS else 0, scene.wording.priority)
    everyone = [(rule_words.order_of(str(row.verb)), row.priority, row.pk) for row in scene.others]
    key = (*me, scene.pk)
    before = sum(other < key for other in everyone)
    same = [other for other in everyone if other[0] == me[0]]
    rank = sum(other < key for other in same)
    return f"1 runs first. Now {before + 1} of {len(everyone) + 1}, {rank + 1} of {len(same) + 1} in its step."


# --- The preview ---


def _wish(trial: Mapping[str, str], scene: _Scene) -> tuple[Wish, list[Notice]]:
    """Whose list: as asked, else a new visitor of the rule's own placement and segment when the rule begins."""
    placement = trial.get("placement") or next((slug for slug in scene.form.placements if slug in scene.sizes), "home")
    wish, notices = read_wish({**trial, "placement": placement}, scene.shop)
    start = scene.wording.starts_at
    if wish.at is None and start and start > scene.now:
        wish = replace(wish, at=start)
    if wish.shopper is None and scene.form.segments and not wish.segment:
        wish = replace(wish, segment=scene.form.segments[0])
    return wish, notices


def _inputs(wish: Wish, trial: Mapping[str, str], scene: _Scene) -> TrialInputs:
    shopper, anchor = wish.shopper, wish.anchor
    needed = wish.placement.strategy in ANCHORED
    return TrialInputs(
        SearchBox(
            "preview-shopper",
            "Shopper",
            page("search", kinds="shoppers"),
            placeholder="A new visitor",
            name="preview_shopper",
            value=shopper.external_id if shopper else "",
            text=name_of(shopper) if shopper else "",
        ),
        Select(
            "preview_segment",
            "Segment",
            [
                Option("", "Their own", not trial.get("segment")),
                *(
                    Option(name, name.capitalize(), name == trial.get("segment"))
                    for name, _ in shopper_queries.segments()
                ),
            ],
        ),
        Select(
            "preview_placement",
            "Placement",
            [
                Option(slug, scene.names.placement(slug), slug == wish.placement.slug and bool(trial.get("placement")))
                for slug in scene.sizes
            ]
            if trial.get("placement")
            else [Option("", "The rule’s first", True)]
            + [Option(slug, scene.names.placement(slug)) for slug in scene.sizes],
        ),
        SearchBox(
            "preview-product",
            "Anchor product",
            page("search", kinds="products"),
            placeholder="Find a product" if needed else "None needed",
            name="preview_product",
            value=anchor.external_id if anchor else "",
            text=full_name(anchor) if anchor else "",
        ),
        trial.get("at", ""),
    )


def _trial(scene: _Scene, wish: Wish, notices: Sequence[Notice], told: Sequence[Told]) -> Trial:
    """The API's answer with the draft in force beside its answer without it; two requests, nothing recorded."""
    setting, n = preview.settings()[0], wish.placement.n
    without = preview.ask(wish, setting, n=max(DEEP, n), instead=tuple(scene.live))
    rules = (*scene.live, scene.draft) if scene.draft else tuple(scene.live)
    trying = preview.ask(wish, setting, instead=rules)
    before = [item.product for item in without.items[:n]]
    after = [item.product for item in trying.items]
    products = product_queries.by_external_ids({*before, *after})
    cards = _cards(trying, products, scene, told)
    marks = moves(before, [card.key for card in cards])[1]
    moved = [replace(card, move=mark) for card, mark in zip(cards, marks, strict=True)]
    gone = [full_name(products[key]) for key in before if key not in after and key in products]
    who = name_of(wish.shopper) if wish.shopper else f"a new visitor{f' ({wish.segment})' if wish.segment else ''}"
    when = f" on {numbers.moment(wish.at)}" if wish.at else " now"
    return Trial(
        title=f"{scene.names.placement(wish.placement.slug)} for {who}{when}",
        tiles=TileList(moved, "The list with this rule", strip=True) if moved else None,
        leaves=f"Leaves the list: {', '.join(gone)}." if gone else "",
        empty=trying.answer.empty_because or "No product may be shown here.",
        timing=f"Same code path as the API · {numbers.milliseconds(trying.milliseconds)} · "
        "moves compare with the list without this rule",
        open_href=_preview_href(wish),
        notices=[*notices, *_idle(scene, wish, trying, before == after)],
        reach=_reach(scene),
        trace=_trace(scene, without, trying, products),
    )


def _preview_href(wish: Wish) -> str:
    """The same list on the page that takes it apart, live rules beside the drafts."""
    kind = str(wish.shopper.kind) if wish.shopper else "shopper"
    query = {
        kind: wish.shopper.external_id if wish.shopper else "",
        "placement": wish.placement.slug,
        "product": wish.anchor.external_id if wish.anchor else "",
        "at": f"{timezone.localtime(wish.at):%Y-%m-%dT%H:%M}" if wish.at else "",
        "segment": wish.segment,
    }
    return page("preview", **query, a="serving.live", b="serving.draft")


def _cards(trying: Listing, products: Mapping[str, object], scene: _Scene, told: Sequence[Told]) -> list[TileCard]:
    """Tiles that the draft moved are marked in the accent, those of a rule that it clashes with in amber."""
    clashing = {one for found in told if len(found.rules) > 1 for one in found.rules} - {scene.pk}
    cards = []
    for item in trying.items:
        product = products.get(item.product)
        if product is None:
            continue
        touched = {step.rule for step in item.trace if step.changed}
        card = preview.card(item, product, scene.shop, href="", selected=scene.pk in touched)  # type: ignore[arg-type]
        cards.append(replace(card, conflict=bool(touched & clashing) and scene.pk not in touched))
    return cards


def _notices(scene: _Scene, read: Read, found: rule_conflicts.Found) -> list[Notice]:
    if scene.draft is None:
        text = " ".join(read.errors.values()) or "Say which products it is for."
        return [Notice("The list is shown without this rule.", text, "grey")]
    meant = [rule_conflicts.meant_notice(one, row, can_edit=False) for one, row in found.meant]
    return [*(_conflict(one, scene) for one in found.open), *meant]


def _idle(scene: _Scene, wish: Wish, trying: Listing, same: bool) -> list[Notice]:
    """Why nothing moves, where nothing does."""
    if scene.draft is None or not same:
        return []
    rule, at = scene.draft, (wish.at or scene.now).timestamp()
    if rule.placements and wish.placement.slug not in rule.placements:
        why = f"It is not for {wish.placement.title}."
    elif rule.segments and trying.answer.segment not in rule.segments:
        segment = trying.answer.segment or "without a segment"
        why = f"It is for {', '.join(sorted(rule.segments))} shoppers; this one is {segment}."
    elif (rule.starts_at and at < rule.starts_at) or (rule.ends_at and at >= rule.ends_at):
        why = "It does not run at this moment: look at another time."
    elif rule.schedule and not rule.schedule.holds(at):
        why = "It does not run on this day or at this hour."
    else:
        why = "Nothing that it is for is in the list, or it stands there already."
    return [Notice("This list stays as it is.", why, "grey")]


def _conflicts(scene: _Scene) -> rule_conflicts.Found:
    """Those that this rule is part of, among what is live or a draft."""
    if scene.draft is None:
        return rule_conflicts.Found()
    rules = [*queries.compiled_of(scene.others), scene.draft]
    now = scene.now.timestamp()
    found = rule_fixes.find(rules, state.current(), scene.sizes, scene.names, at=now, mine=scene.pk)
    mine = [one for one in found if scene.pk in one.rules]
    read = scene.wording
    as_written = Rule(pk=scene.pk, verb=read.verb, condition=read.condition, parameters=read.parameters)
    return rule_conflicts.split(mine, [*scene.others, as_written], live=set())


def _conflict(told: Told, scene: _Scene) -> Notice:
    names = {row.pk: row.name for row in scene.others}
    actions: list[Component] = []
    if scene.can_edit:
        mine = [fix for fix in told.fixes if fix.rule == scene.pk][:3]
        actions += [Submit(fix.label, f"{fix.do}:{fix.value}", name="fix", small=True) for fix in mine]
    for one in told.rules:
        if one != scene.pk and len(actions) < 4:
            actions.append(Action(f"Open “{names[one]}”", page("rule", one), "quiet", small=True))
    if told.conflict.code in REMARKS and scene.can_edit and len(actions) < 4:
        actions.append(Action("It is meant so: say it in the list", page("rules"), "quiet", small=True))
    return Notice(told.title, told.text, "warn", actions)


def _reach(scene: _Scene) -> StatStrip:
    label = "How far it reaches"
    if scene.draft is None:
        return StatStrip(
            [Stat(words, numbers.NONE) for words in ("Products it is for", "Share of lists", "Lists a day")], label
        )
    live = scene.rule is not None and scene.rule.status == Rule.Status.LIVE
    until = scene.rule.went_live_at if scene.rule and live else None
    reach = queries.reach_of(scene.draft, state.current(), at=scene.now.timestamp(), until=until)
    where = rule_words.where(scene.wording.placements, scene.names, on=True)
    away = reach.products - reach.sellable
    share = reach.share
    changed = "no data" if share is None else numbers.decimal(100 * share, 1)
    before = " from before it was live" if until else ""
    note = f"of the newest {numbers.count(reach.lists)} {where}{before}" if reach.lists else "no list was served yet"
    daily = f"{numbers.count(share * reach.lists_a_day)}" if share is not None and reach.lists_a_day else "no data"
    return StatStrip(
        [
            Stat(
                "Products it is for",
                numbers.count(reach.products),
                note=f"{numbers.count(away)} hidden or out of stock" if away else "all may be shown",
            ),
            Stat("Lists it would change", changed, "" if share is None else "%", note=note),
            Stat("Lists a day", daily, "lists" if daily != "no data" else "", note="over 7 days"),
        ],
        label,
    )


def _trace(scene: _Scene, without: Listing, trying: Listing, products: Mapping[str, object]) -> RuleTrace:
    """The rules over the first product that this one moved, and where that would stand without it."""
    none = "No rule touched this list."
    item = next((item for item in trying.items if any(s.rule == scene.pk for s in item.trace)), None)
    if item is None:
        removed = [product for product, rule in trying.answer.removed.items() if rule == scene.pk]
        many = numbers.plural(len(removed), "product")
        text = f"It takes {many} out of those that were ranked." if removed else none
        return RuleTrace([], none=text)
    steps = [
        TraceStep(
            "This rule" if step.rule == scene.pk else step.name,
            step.text,
            step.changed,
            href=page("rule", step.rule) if step.rule not in (scene.pk, NEW, NO_RULE) else "",
        )
        for step in item.trace
    ]
    product = products.get(item.product)
    name = full_name(product) if product else item.product
    rank = without.rank_of(item.product)
    there = f"would be at rank {rank}" if rank else f"would not be among the first {max(DEEP, len(without.items))}"
    return RuleTrace(steps, f"{name}: without this rule it {there}.")


# --- Afterwards ---


def _effect(rule: Rule | None, shop: Shop) -> tuple[StatStrip | None, str]:
    """What came of it since it went live; nothing for one that never did."""
    if rule is None or rule.went_live_at is None:
        return None, ""
    first = shop.day_of(max(rule.went_live_at, rule.starts_at or rule.went_live_at))
    found = queries.effect_since(rule, first)
    since = f"since {numbers.day(first)}"
    if found is None:
        return None, f"No list that it touched was shown {since}."
    rate = found.rate
    few = rate is not None and rate.too_few
    bounds = numbers.interval(found.counts.clicked, found.counts.shown, 1)
    strip = StatStrip(
        [
            Stat("Lists it touched", numbers.count(found.counts.lists), note=_of_lists(found.share)),
            Stat("Shown", numbers.count(found.counts.shown), note=since),
            Stat(
                "Click rate",
                "no data" if rate is None else "too few to judge" if few else numbers.decimal(100 * rate.value, 2),
                "" if rate is None or few else "%",
                delta=None if few else change_of(found, str(rule.verb)),
                note="" if rate is None else bounds,
            ),
            Stat(
                "Revenue after it",
                numbers.money(found.counts.revenue + found.counts.revenue_by_view, shop.currency)
                if found.counts.has_data
                else "no data",
                note=numbers.plural(found.counts.bought + found.counts.bought_by_view, "purchase"),
            ),
        ],
        label=f"What came of it {since}",
        simulated=found.simulated,
    )
    return strip, _beside(found, since)


def _beside(found: Effect, since: str) -> str:
    """What the click rate is to be held against: the others in the same lists, and the time before."""
    others, before = found.others.click_rate, found.before.click_rate
    words = f"Products that this rule brought into lists {since}."
    if others is not None:
        words += f" All others in the same placements: {numbers.percent(others.value)}."
    if before is not None and not before.too_few:
        words += f" Everything there in as many days before: {numbers.percent(before.value)}."
    return words


def _of_lists(share: float | None) -> str:
    return "" if share is None else f"{numbers.percent(share, 1)} of lists"


def _versions(rule: Rule, scene: _Scene) -> list[Version]:
    found = queries.versions(rule=rule, limit=VERSIONS)
    names = queries.names_in(found, currency=scene.shop.currency)
    return [
        Version(
            one.version,
            numbers.moment(one.at),
            one.by,
            what_happened(one, names),
            scene.can_edit and one.version != rule.version,
        )
        for one in found
    ]


@dataclass(frozen=True)
class DeletePage:
    title: str
    dialog: Dialog


def build_delete(rule: Rule) -> DeletePage:
    """Asked before a draft goes for good."""
    dialog = Dialog(
        "delete-rule",
        f"Delete the draft “{rule.name}”?",
        "The draft and its history go for good. Nothing changes in the shop: it is not live.",
        page("rule-delete", rule.pk),
        "Delete draft",
        cancel_href=page("rule", rule.pk),
    )
    return DeletePage(f"Delete “{rule.name}”", dialog)
