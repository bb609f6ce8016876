"""The list that the API would answer with the draft in force, beside its answer without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils import timezone

from catalog.models import Product
from recommender import state
from recommender.models import Rule
from recommender.ranked import NO_RULE
from recsite.dashboard import numbers, preview, rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Notice, Option, SearchBox, Select, Stat, StatStrip, any_or_one
from recsite.dashboard.evidence import RuleTrace, TraceStep
from recsite.dashboard.lists import TileCard, TileList, moved
from recsite.dashboard.names import full_name
from recsite.dashboard.pages.preview import read_wish
from recsite.dashboard.pages.rule_scene import NEW, Scene
from recsite.dashboard.pages.shopper import name_of
from recsite.dashboard.preview import ANCHORED, Listing, Wish
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.queries import shoppers as shopper_queries
from recsite.dashboard.rule_fixes import Told

DEEP = 100  # places looked at for where a product would be without the rule


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


def read_trial(data: QueryDict) -> dict[str, str]:
    """Whose list the preview shows, as the preview page names it."""
    wanted = {
        name: data.get(f"preview_{name}", "").strip() for name in ("shopper", "segment", "placement", "product", "at")
    }
    wanted["shopper_text"] = data.get("preview_shopper_text", "").strip()
    return {name: value for name, value in wanted.items() if value}


def wish_of(trial: Mapping[str, str], scene: Scene) -> tuple[Wish, list[Notice]]:
    """Whose list: as asked, else a new visitor of the rule's own placement and segment when the rule begins."""
    placement = trial.get("placement") or next((slug for slug in scene.form.placements if slug in scene.sizes), "home")
    wish, notices = read_wish({**trial, "placement": placement}, scene.shop)
    start = scene.wording.starts_at
    if wish.at is None and start and start > scene.now:
        wish = replace(wish, at=start)
    if wish.shopper is None and scene.form.segments and not wish.segment:
        wish = replace(wish, segment=scene.form.segments[0])
    return wish, notices


def inputs_of(wish: Wish, trial: Mapping[str, str], scene: Scene) -> TrialInputs:
    """The controls that say whose list is shown; empty where nothing was asked for."""
    shopper, anchor = wish.shopper, wish.anchor
    needed = wish.placement.strategy in ANCHORED
    segments = {name: name.capitalize() for name, _ in shopper_queries.segments()}
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
        any_or_one("preview_segment", "Segment", "Their own", segments, trial.get("segment", "")),
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


def trial_of(scene: Scene, wish: Wish, notices: Sequence[Notice], told: Sequence[Told]) -> Trial:
    """The API's answer with the draft in force beside its answer without it; two requests, nothing recorded."""
    setting, n = preview.serving(), wish.placement.n
    without = preview.ask(wish, setting, n=max(DEEP, n), instead=tuple(scene.live))
    rules = (*scene.live, scene.draft) if scene.draft else tuple(scene.live)
    trying = preview.ask(wish, setting, instead=rules)
    before = [item.product for item in without.items[:n]]
    after = [item.product for item in trying.items]
    products = product_queries.by_external_ids({*before, *after})
    cards = moved(before, _cards(trying, products, scene, told))
    gone = [full_name(products[key]) for key in before if key not in after and key in products]
    who = name_of(wish.shopper) if wish.shopper else f"a new visitor{f' ({wish.segment})' if wish.segment else ''}"
    when = f" on {numbers.moment(wish.at)}" if wish.at else " now"
    return Trial(
        title=f"{scene.names.placement(wish.placement.slug)} for {who}{when}",
        tiles=TileList(cards, "The list with this rule", strip=True) if cards else None,
        leaves=f"Leaves the list: {', '.join(gone)}." if gone else "",
        empty=preview.why_empty(trying.answer),
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


def _cards(trying: Listing, products: Mapping[str, Product], scene: Scene, told: Sequence[Told]) -> list[TileCard]:
    """Tiles that the draft moved are marked in the accent, those of a rule that it clashes with in amber."""
    clashing = {one for found in told if len(found.rules) > 1 for one in found.rules} - {scene.pk}
    cards = []
    for item in trying.items:
        product = products.get(item.product)
        if product is None:
            continue
        touched = {step.rule for step in item.trace if step.changed}
        card = preview.card(item, product, scene.shop, href="", selected=scene.pk in touched)
        cards.append(replace(card, conflict=bool(touched & clashing) and scene.pk not in touched))
    return cards


def _idle(scene: Scene, wish: Wish, trying: Listing, same: bool) -> list[Notice]:
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


def _reach(scene: Scene) -> StatStrip:
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


def _trace(scene: Scene, without: Listing, trying: Listing, products: Mapping[str, object]) -> RuleTrace:
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
