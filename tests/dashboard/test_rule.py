"""The rule editor: what it shows while one writes, what it saves, what it refuses, what it takes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from recommender import availability, rulebook, serve, state, steering
from recommender.models import Rule, RuleVersion, ServedList
from recommender.rulebook import Wording, wording_of
from recsite.dashboard import roles, rule_forms
from recsite.dashboard.components import Submit
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import rule as page
from recsite.dashboard.pages import rule_entries, rule_trial
from recsite.dashboard.pages.rule import RulePage
from recsite.dashboard.queries import rules as queries
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


class PreviewTest(RuleCase):
    def test_it_is_what_the_api_answers_once_the_rule_is_live(self) -> None:
        for shopper in ("", "s1"):
            for changes in (
                {},
                {"verb": "exclude"},
                {"verb": "only", "products": [], "categories": ["Drinks > Coffee"]},
                {"verb": "boost", "strength": "strong", "products": [], "brands": ["Brand 2"]},
                {"verb": "spread", "limit": "1", "by": "brand", "products": []},
            ):
                with self.subTest(changes, shopper=shopper):
                    made = self.build(preview_shopper=shopper, **changes)
                    wording = rule_entries.read(self.entries(**changes), read_shop()).wording
                    self.make(wording, live=True)
                    answer = serve.recommend(serve.Request(shopper=shopper or None, record=False))
                    self.assertEqual(self.tiles(made), [item.product for item in answer.items])
                    Rule.objects.all().delete()
                    steering.publish()

    def test_moves_compare_with_the_list_without_the_rule(self) -> None:
        made = self.build(products="p20", position="1")
        assert made.trial.tiles
        self.assertEqual([card.move.kind for card in made.trial.tiles.cards if card.move][:2], ["new", "down"])
        self.assertTrue(made.trial.tiles.cards[0].selected)
        self.assertIn("Leaves the list: ", made.trial.leaves)
        self.assertIn("without this rule it would be at rank", made.trial.trace.without)

    def test_it_looks_at_the_rules_own_start(self) -> None:
        start = datetime.now(UTC) + timedelta(days=7)
        made = self.build(starts_at=f"{start:%Y-%m-%dT%H:%M}")
        self.assertEqual(self.tiles(made)[1], "p20")
        now = self.build(starts_at=f"{start:%Y-%m-%dT%H:%M}", preview_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M}")
        self.assertNotEqual(self.tiles(now)[1], "p20")
        self.assertEqual(now.trial.notices[-1].text, "It does not run at this moment: look at another time.")

    def test_why_nothing_moves_is_said(self) -> None:
        for changes, words in (
            ({"preview_placement": "similar"}, "It is not for Similar products."),
            ({"segments": "loyal", "preview_shopper": "s1"}, "It is for loyal shoppers; this one is"),
            ({"verb": "exclude", "products": "p23"}, "Nothing that it is for is in the list"),
        ):
            with self.subTest(changes):
                self.assertIn(words, self.build(None, **changes).trial.notices[-1].text)

    def test_a_new_visitor_is_looked_at_as_of_the_rules_segment(self) -> None:
        self.assertEqual(self.tiles(self.build(segments="loyal"))[1], "p20")
        self.assertNotEqual(self.tiles(self.build(segments="loyal", preview_segment="weekly"))[1], "p20")

    def test_a_rule_being_changed_is_not_there_twice(self) -> None:
        rule = self.make(live=True)
        made = self.build(rule, position="1", seen="2")
        self.assertEqual(self.tiles(made)[0], "p20")
        self.assertEqual(made.trial.notices, [])

    def test_a_conflict_is_named_while_one_edits(self) -> None:
        other = self.make(live=True)
        made = self.build(products="p3", name="Coffee first")
        notice = made.trial.notices[0]
        self.assertEqual(notice.title, "Two rules want position 2 on Home.")
        self.assertIn("“Tea first” runs first and gets it", notice.text)
        first = notice.actions[0]
        assert isinstance(first, Submit)
        self.assertEqual((first.name, first.value), ("fix", "position:3"))
        self.assertEqual(notice.actions[-1].href, reverse("rule", args=[other.pk]))  # type: ignore[attr-defined]
        assert made.trial.tiles
        self.assertEqual([card.key for card in made.trial.tiles.cards if card.conflict], ["p20"])

    def test_a_pin_behind_the_end_of_the_list_is_named_with_its_last_position(self) -> None:
        answer = self.client.post(reverse("rule-new"), self.entries(position="15", do="try"))
        self.assertContains(answer, "No list is so long on Home.")
        self.assertContains(answer, "pins to position 15, but Home shows 10")
        self.assertContains(answer, 'value="position:10"')

    def test_its_button_changes_the_entries_alone(self) -> None:
        self.make(live=True)
        made = self.build(products="p3", name="Coffee first", fix="position:3")
        self.assertEqual((made.fields.position, made.trial.notices), ("3", []))
        self.assertEqual(Rule.objects.count(), 1)

    def test_htmx_gets_the_part_and_nothing_is_written(self) -> None:
        answer = self.client.post(reverse("rule-new"), self.entries().dict(), headers={"HX-Request": "true"})
        self.assertContains(answer, 'id="rule-side"')
        self.assertNotContains(answer, "<html")
        self.assertFalse(Rule.objects.exists())
        self.assertFalse(ServedList.objects.exists())

    def test_reach_is_counted_over_the_lists_that_were_served(self) -> None:
        ids = [row.pk for row in make_products(12, prefix="q")]
        for number in range(4):
            ServedList.objects.create(
                recommendation_id=str(number), at=datetime.now(UTC), placement="home", products=ids[number : number + 8]
            )
        state.forget()
        availability.file().unlink(missing_ok=True)
        for changes, share in (
            ({"products": "q0", "position": "1"}, "75.0"),  # stands there in one of four
            ({"products": "nothing", "position": "1"}, "0.0"),  # no product could stand there
            ({"verb": "exclude", "products": "q2"}, "75.0"),
            ({"verb": "only", "products": [], "categories": ["Drinks > Tea"]}, "100.0"),
            ({"verb": "spread", "products": [], "limit": "8", "by": "brand"}, "0.0"),
        ):
            with self.subTest(changes):
                self.assertEqual(self.build(**changes).trial.reach.stats[1].value, share)

    def test_a_live_rule_is_counted_over_the_lists_from_before_it(self) -> None:
        rule = self.make(live=True)
        ids = [row.pk for row in make_products(12, prefix="q")]
        for number, hours in enumerate((-1, -2, 1)):
            at = datetime.now(UTC) + timedelta(hours=hours)
            ServedList.objects.create(recommendation_id=str(number), at=at, placement="home", products=ids)
        stat = self.build(rule, seen="2").trial.reach.stats[1]
        self.assertEqual((stat.value, stat.note), ("100.0", "of the newest 2 on Home from before it was live"))

    def test_what_it_did_stands_on_top_or_says_when_it_will(self) -> None:
        rule = rulebook.create(wording=TEA_FIRST, by=self.person, live=True)
        self.assertIn("No list that it touched was shown", self.build(rule, seen="1").effect_note)
        later = datetime.now(UTC) + timedelta(days=7)
        waits = rulebook.create(wording=replace(TEA_FIRST, starts_at=later), by=self.person, live=True)
        made = self.build(waits, seen="1")
        self.assertIn("It starts on", made.effect_note)
        self.assertEqual((made.effect, made.effect_href), (None, ""))

    def test_without_lists_there_is_no_data(self) -> None:
        stats = self.build().trial.reach.stats
        self.assertEqual([stat.value for stat in stats], ["1", "no data", "no data"])


class SavingTest(RuleCase):
    def send(self, rule: Rule | None = None, **changes: object) -> object:
        url = reverse("rule", args=[rule.pk]) if rule else reverse("rule-new")
        data = dict(self.entries(**changes).lists())
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(url, data)

    def toast(self, rule: Rule) -> object:
        return next(iter(self.client.get(reverse("rule", args=[rule.pk])).context["messages"]))

    def test_a_draft_then_live_then_undone(self) -> None:
        answer = self.send(do="save")
        rule = Rule.objects.get()
        self.assertRedirects(answer, reverse("rule", args=[rule.pk]), fetch_redirect_response=False)  # type: ignore[arg-type]
        self.assertEqual((rule.status, rule.owner, wording_of(rule)), ("draft", self.person, TEA_FIRST))
        self.send(rule, do="live", seen=rule.version)
        rule.refresh_from_db()
        self.assertEqual(rule.status, "live")
        self.assertEqual(serve.recommend(serve.Request(record=False)).items[1].product, "p20")
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(reverse("rule-undo", args=[rule.pk, rule.version]))
        rule.refresh_from_db()
        self.assertEqual(rule.status, "draft")
        self.assertNotEqual(serve.recommend(serve.Request(record=False)).items[1].product, "p20")
        self.assertEqual(
            list(AuditEntry.objects.order_by("id").values_list("action", flat=True)),
            ["rule.create", "rule.live", "rule.undo"],
        )

    def test_the_toast_says_since_when_and_has_its_way_back(self) -> None:
        self.send(do="live")
        rule = Rule.objects.get()
        toast = self.toast(rule)
        self.assertRegex(str(toast), r"^“Tea first” is live since \d\d:\d\d:\d\d\.$")
        self.assertEqual(toast.extra_tags, f"undo:{reverse('rule-undo', args=[rule.pk, 2])}")  # type: ignore[attr-defined]

    def test_what_is_scheduled_says_when_it_starts(self) -> None:
        start = datetime.now(UTC) + timedelta(days=7)
        self.send(do="live", starts_at=f"{start:%Y-%m-%dT%H:%M}")
        self.assertIn("goes live on ", str(self.toast(Rule.objects.get())))

    def test_a_name_is_made_where_none_was_given(self) -> None:
        self.send(do="save", name="")
        self.assertEqual(Rule.objects.get().name, "Pin Tea number 20 to position 2")

    def test_refusals_keep_the_entries(self) -> None:
        for changes, words in (
            ({"position": "11"}, "expected at most 10"),
            ({"position": "first"}, "received “first”"),
            ({"products": []}, "Which products?"),
            ({"placements": "attic"}, "received attic"),
            ({"starts_at": "2026-12-02T00:00", "ends_at": "2026-12-01T00:00"}, "The end must come after the start."),
            ({"verb": "boost", "strength": "own", "factor": "0"}, "received 0"),
            ({"verb": "boost", "strength": "own", "factor": ""}, "expected a number above 0"),
        ):
            with self.subTest(changes):
                answer = self.send(do="live", note="all of this stays", **changes)
                self.assertContains(answer, words, status_code=422)  # type: ignore[arg-type]
                self.assertContains(answer, "all of this stays", status_code=422)  # type: ignore[arg-type]
        self.assertFalse(Rule.objects.exists())

    def test_somebody_elses_change_is_said_and_nothing_is_lost(self) -> None:
        rule = self.make()
        rulebook.change(rule_id=rule.pk, seen=1, wording=replace(TEA_FIRST, note="theirs"), by=make_person(name="ann"))
        answer = self.send(rule, do="save", seen=1, note="mine")
        self.assertContains(answer, "ann changed this rule while you edited it.", status_code=409)  # type: ignore[arg-type]
        self.assertContains(answer, ">mine</textarea>", status_code=409)  # type: ignore[arg-type]
        self.assertEqual(Rule.objects.get().note, "theirs")
        self.send(rule, do="save", seen=2, note="mine")  # knowing of it, one may
        self.assertEqual(Rule.objects.get().note, "mine")

    def test_a_live_rule_is_changed_at_once(self) -> None:
        rule = self.make(live=True)
        self.send(rule, do="save", seen=2, position="1")
        self.assertEqual(serve.recommend(serve.Request(record=False)).items[0].product, "p20")
        self.assertIn("is changed", str(self.toast(rule)))

    def test_an_older_version_is_restored(self) -> None:
        rule = self.make(live=True)
        rulebook.change(rule_id=rule.pk, seen=2, wording=replace(TEA_FIRST, name="Other"), by=self.person)
        self.client.post(reverse("rule-do", args=[rule.pk]), {"do": "restore", "version": "2"})
        rule.refresh_from_db()
        self.assertEqual((rule.name, rule.status, rule.version), ("Tea first", "live", 4))
        self.client.post(reverse("rule-do", args=[rule.pk]), {"do": "restore", "version": "99"})
        self.assertEqual(RuleVersion.objects.filter(rule=rule).count(), 4)

    def test_undo_is_refused_after_a_later_change(self) -> None:
        rule = self.make(live=True)
        rulebook.pause(rule_id=rule.pk, by=make_person(name="ann"))
        answer = self.client.post(reverse("rule-undo", args=[rule.pk, 2]), follow=True)
        self.assertIn("ann changed “Tea first” meanwhile", str(next(iter(answer.context["messages"]))))

    def test_deleting_asks_first_and_takes_drafts_only(self) -> None:
        draft, live = self.make(), self.make(live=True)
        self.assertContains(self.client.get(reverse("rule-delete", args=[draft.pk])), "go for good")
        self.assertTrue(Rule.objects.filter(pk=draft.pk).exists())
        for rule in (draft, live):
            self.client.post(reverse("rule-delete", args=[rule.pk]))
        self.assertEqual(list(Rule.objects.all()), [live])


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


WORDINGS = st.builds(
    Wording,
    name=st.just("Any"),
    verb=st.sampled_from(["pin", "boost", "bury", "exclude", "only", "spread"]),
    condition=st.sampled_from(
        [{"products": ["p20"]}, {"categories": ["Drinks > Tea"]}, {"brands": ["Brand 1"]}, {"price_max": 12}]
    ),
    parameters=st.integers(1, 3).map(lambda position: {"position": position, "strength": "strong", "limit": 2}),
    placements=st.sampled_from([(), ("home",), ("similar",)]),
    starts_at=st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)]),
)


class PropertyTest(HypothesisCase):
    """Whatever the rules are, the editor's list is the API's."""

    @classmethod
    def setUpTestData(cls) -> None:
        make_history(make_shoppers(4), make_products(24), weeks=3)

    def setUp(self) -> None:
        open_new_shop(self)
        steering.publish()
        state.forget()

    @settings(max_examples=25, deadline=None)
    @given(st.lists(WORDINGS, max_size=3), WORDINGS, st.sampled_from([None, "s0", "s1"]))
    def test_the_preview_with_a_draft_is_the_apis_list_once_it_is_live(
        self, live: list[Wording], draft: Wording, shopper: str | None
    ) -> None:
        rules = [rulebook.create(wording=wording, by=None, live=True) for wording in live]
        shop = read_shop()
        form = rule_forms.form_of(draft, shop.zone, seen=0)
        at = datetime.now(UTC) + timedelta(days=1)
        trial = {"at": at.isoformat(), **({"shopper": shopper} if shopper else {}), "placement": "home"}
        made = page.build(form, trial, shop, permissions=frozenset())
        shown = [card.key for card in made.trial.tiles.cards] if made.trial.tiles else []
        wording, _ = read(form, shop.zone)
        rules.append(rulebook.create(wording=wording, by=None, live=True))
        steering.publish()
        self.assertEqual(shown, self.ask(shopper, at))
        # Taking it back restores the list without it.
        without = [rule for rule in queries.compiled_of(rules) if rule.id != rules[-1].pk]
        rulebook.undo(rule_id=rules[-1].pk, version=rules[-1].version, by=None)
        steering.publish()
        request = serve.Request(shopper=shopper, as_of=at, record=False, rules=tuple(without))
        self.assertEqual(self.ask(shopper, at), [item.product for item in serve.recommend(request).items])

    def ask(self, shopper: str | None, at: datetime) -> list[str]:
        return [item.product for item in serve.recommend(serve.Request(shopper=shopper, as_of=at, record=False)).items]
