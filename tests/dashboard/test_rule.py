"""The rule editor: its form, and the page of a rule that is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender import rulebook, state, steering
from recommender.models import Rule
from recommender.rulebook import Wording
from recsite.dashboard import roles
from recsite.dashboard.pages import rule as page
from recsite.dashboard.pages import rule_entries, rule_trial
from recsite.dashboard.pages.rule import RulePage
from recsite.dashboard.rule_forms import form_of, posted, read
from recsite.dashboard.rule_spans import spans, with_span
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.goods import make_history, make_products, make_shoppers

TEA_FIRST = Wording("Tea first", "pin", {"products": ["p20"]}, {"position": 2}, ("home",))
ENTRIES = {
    "verb": "pin",
    "products": "p20",
    "position": "2",
    "placements": "home",
    "name": "Tea first",
    "priority": "50",
}
TOKYO = ZoneInfo("Asia/Tokyo")
UTC_ZONE = ZoneInfo("UTC")


def open_small_shop(case: TestCase) -> None:
    open_new_shop(case)
    cache.clear()
    make_history(make_shoppers(4), make_products(24), weeks=3)
    steering.publish()
    state.forget()


class RuleCase(TestCase):
    def setUp(self) -> None:
        open_small_shop(self)
        self.person = make_person()
        self.client.force_login(self.person)

    def make(self, wording: Wording = TEA_FIRST, *, live: bool = False) -> Rule:
        with self.captureOnCommitCallbacks(execute=True):
            return rulebook.create(wording=wording, by=self.person, live=live)

    def entries(self, **changes: object) -> QueryDict:
        """The form as a browser sends it; a list is several fields of one name."""
        data = QueryDict(mutable=True)
        for name, value in {**ENTRIES, **changes}.items():
            data.setlist(name, value if isinstance(value, list) else [str(value)])
        return data

    def build(self, rule: Rule | None = None, **changes: object) -> RulePage:
        shop, data = read_shop(), self.entries(**changes)
        sent = rule_entries.read(data, shop)
        trial = rule_trial.read_trial(data)
        allowed = frozenset([roles.EDIT_RULES])
        return page.build(sent.form, trial, shop, permissions=allowed, rule=rule, read=sent)

    def tiles(self, made: RulePage) -> list[str]:
        return [card.key for card in made.trial.tiles.cards] if made.trial.tiles else []


class FormTest(RuleCase):
    ALL = Wording(
        name="Everything",
        verb="boost",
        condition={
            "products": ["p1", "p2"],
            "categories": ["Drinks > Tea"],
            "brands": ["Brand 1"],
            "tags": ["organic"],
            "price_min": 2,
            "price_max": 4.5,
            "stock_min": 1,
            "age_max_days": 14,
            "attributes": {"colour": ["red", "white"], "margin": {"min": 0.25}},
        },
        parameters={
            "factor": 1.5,
            "schedule": {"time_zone": "Asia/Tokyo", "weekdays": [0, 4], "opens": "11:00", "closes": "14:00"},
        },
        placements=("home", "similar"),
        segments=("loyal",),
        starts_at=datetime(2026, 12, 1, 8, tzinfo=TOKYO),
        ends_at=datetime(2026, 12, 8, 8, tzinfo=TOKYO),
        priority=7,
        note="agreed",
    )

    def test_every_part_survives_the_form(self) -> None:
        for wording in (
            self.ALL,
            TEA_FIRST,
            Wording("At most", "spread", {}, {"limit": 3, "by": "category", "level": 1}),
            Wording("Less", "bury", {"brands": ["Brand 1"]}, {"strength": "weak"}),
        ):
            with self.subTest(wording.verb):
                back, errors = read(form_of(wording, TOKYO, seen=3), TOKYO)
                self.assertEqual(errors, {})
                self.assertEqual(back, wording)

    def test_times_are_the_shops(self) -> None:
        wording, _ = read(posted(self.entries(starts_at="2026-12-01T08:00")), TOKYO)
        self.assertEqual(wording.starts_at, datetime(2026, 11, 30, 23, tzinfo=UTC))
        with self.settings(SHOP_TIME_ZONE="Asia/Tokyo"):
            self.assertContains(self.client.get(reverse("rule-new")), "Times are the shop’s: Asia/Tokyo")

    def test_hours_stay_on_the_clock_they_were_written_for(self) -> None:
        form = form_of(self.ALL, UTC_ZONE, seen=1)  # the shop moved from Tokyo
        self.assertEqual((form.hours_zone, form.opens), ("Asia/Tokyo", "11:00"))
        back, errors = read(form, UTC_ZONE)
        self.assertEqual((back, errors), (self.ALL, {}))
        rule = rulebook.create(wording=self.ALL, by=self.person)
        answer = self.client.get(reverse("rule", args=[rule.pk]))
        self.assertContains(answer, "Asia/Tokyo, as it was written")
        self.assertContains(answer, "(Asia/Tokyo)")
        moved, _ = read(replace(form, hours_zone=""), UTC_ZONE)
        self.assertEqual(moved.parameters["schedule"]["time_zone"], "UTC")
        self.assertNotContains(self.client.get(reverse("rule-new")), "as it was written")

    def test_what_cannot_be_read_is_named_and_kept_as_typed(self) -> None:
        for name, text, words in (
            ("position", "first", "Position: expected a whole number, received “first”."),
            ("price_min", "cheap", "Price from: expected a number, received “cheap”."),
            ("starts_at", "soon", "Start: expected a date and time such as 2026-12-01T08:00, received “soon”."),
            ("opens", "noon", "Hours: expected a time such as 14:30, received “noon”."),
            ("priority", "", "Priority: expected a whole number, received “”."),
        ):
            with self.subTest(name):
                form = posted(self.entries(**{name: text}))
                _, errors = read(form, TOKYO)
                self.assertEqual(errors[name], words)
                self.assertIn(text, str(form))

    def test_a_product_is_looked_up_where_there_is_no_script(self) -> None:
        shop = read_shop()
        sent = rule_entries.read(self.entries(products=[], add_product_text="Tea number 4", do="try"), shop)
        self.assertEqual(sent.form.products, ("p4",))
        sent = rule_entries.read(self.entries(add_category_text="drinks › tea", do="try"), shop)
        self.assertEqual(sent.form.categories, ("Drinks > Tea",))
        sent = rule_entries.read(self.entries(add_brand_text="Nobody", do="save"), shop)
        self.assertIn("No brand is called “Nobody”", sent.errors["brands"])

    def test_a_link_fills_it_in(self) -> None:
        answer = self.client.get(reverse("rule-new"), {"verb": "boost", "product": "p20", "placement": "similar"})
        self.assertContains(answer, "Boost Tea number 20 × 2 on Similar products, for everyone.")

    def test_next_week_is_one_press_on_the_shops_calendar(self) -> None:
        sunday = date(2026, 11, 1)  # New York leaves summer time in its night
        this, following, always = spans(sunday)
        self.assertEqual((this.label, this.value), ("This week", "/2026-11-02T00:00"))
        self.assertEqual((following.starts_at, following.ends_at), ("2026-11-02T00:00", "2026-11-09T00:00"))
        self.assertEqual(spans(date(2026, 11, 2))[1].starts_at, "2026-11-09T00:00")  # a Monday's next week
        wording, errors = read(posted(self.entries(starts_at="soon", ends_at="")), TOKYO)
        self.assertIn("starts_at", errors)
        form = with_span(posted(self.entries(starts_at="soon")), following.value)
        wording, errors = read(form, ZoneInfo("America/New_York"))
        self.assertEqual((wording.starts_at, errors), (datetime(2026, 11, 2, 5, tzinfo=UTC), {}))
        wording, errors = read(with_span(form, always.value), TOKYO)
        self.assertEqual((wording.starts_at, wording.ends_at, errors), (None, None, {}))
        self.assertIn("starts_at", read(with_span(form, "whenever"), TOKYO)[1])

    def test_the_untouched_form_is_not_scolded(self) -> None:
        answer = self.client.get(reverse("rule-new"))
        self.assertEqual(answer.context["page"].errors, {})
        self.assertContains(answer, "The list is shown without this rule.")


class PageTest(RuleCase):
    def test_every_state_has_its_actions(self) -> None:
        rule = self.make()
        for do, expected in (
            (None, ["Delete draft", "Save draft", "Go live"]),
            ("live", ["End", "Pause", "Save changes"]),
            ("pause", ["Save", "Resume"]),
            ("end", ["Save", "Go live again"]),
        ):
            if do:
                self.client.post(reverse("rule-do", args=[rule.pk]), {"do": do})
            with self.subTest(do):
                answer = self.client.get(reverse("rule", args=[rule.pk]))
                self.assertEqual([action.label for action in answer.context["page"].actions], expected)

    def test_who_may_not_edit_reads_it_without_controls(self) -> None:
        onlooker = make_person("", name="onlooker")
        self.client.force_login(onlooker)
        rule = self.make(live=True)
        self.assertEqual(self.client.get(reverse("rule-new")).status_code, 403)
        self.assertEqual(self.client.get(reverse("rule", args=[rule.pk])).status_code, 403)  # sees no page at all
        made = page.build(rule_entries.form_of(rule, read_shop()), {}, read_shop(), permissions=frozenset(), rule=rule)
        self.assertEqual((made.actions, made.can_edit), ([], False))
        self.assertEqual(self.client.post(reverse("rule", args=[rule.pk]), {"do": "save"}).status_code, 403)

    def test_an_unknown_rule_is_not_found(self) -> None:
        self.assertEqual(self.client.get(reverse("rule", args=[99])).status_code, 404)
        self.assertEqual(self.client.post(reverse("rule-do", args=[99]), {"do": "live"}).status_code, 404)

    def test_history_says_who_did_what(self) -> None:
        rule = self.make(live=True)
        rulebook.change(
            rule_id=rule.pk,
            seen=2,
            wording=replace(TEA_FIRST, parameters={"position": 1}),
            by=make_person(name="ann"),
        )
        made = self.client.get(reverse("rule", args=[rule.pk])).context["page"]
        told = [(version.who, version.what[0], version.can_restore) for version in made.versions]
        self.assertEqual(
            told,
            [
                ("ann", "Pin Tea number 20 to position 1; was: Pin Tea number 20 to position 2", False),
                ("merchandiser", "went live", True),
                ("merchandiser", "made: Pin Tea number 20 to position 2 on Home, for everyone", True),
            ],
        )

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_rules(self) -> None:
        rule, counts = self.make(), []
        for number in range(6):
            if number in (1, 5):
                url = reverse("rule", args=[rule.pk])
                self.client.get(url)
                with CaptureQueriesContext(connection) as seen:
                    self.client.get(url)
                counts.append(len(seen))
            self.make(replace(TEA_FIRST, name=f"rule {number}", condition={"products": [f"p{number}"]}), live=True)
        self.assertEqual(counts[0], counts[1])
