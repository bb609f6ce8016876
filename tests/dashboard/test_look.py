from dataclasses import fields
from datetime import date
from pathlib import Path
from re import findall, search

from django.conf import settings
from django.contrib.auth.models import User
from django.template.backends.django import Template
from django.template.loader import get_template, render_to_string
from django.test import SimpleTestCase, TestCase
from django.urls import reverse

from recsite.dashboard import components, evidence, graphics, lists
from recsite.dashboard.navigation import Shell, set_counts
from recsite.dashboard.ranges import DateRange, Range, read_range
from recsite.dashboard.tables import Column, page_number, pager, read_sorting, sorted_columns

TEMPLATES = Path(settings.BASE_DIR) / "templates"
SHEET = (Path(settings.BASE_DIR) / "static/css/console.css").read_text()


class Sheet(SimpleTestCase):
    def tokens(self, block: str) -> dict[str, str]:
        return dict(findall(r"(--[\w-]+): (#[0-9a-f]{6})", block))

    def luminance(self, colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, one: str, other: str) -> float:
        high, low = sorted((self.luminance(one), self.luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    def schemes(self) -> list[dict[str, str]]:
        light, dark = SHEET.split(':root[data-theme="dark"]')[:2]
        return [self.tokens(light), self.tokens(dark.split("@media")[0])]

    def test_the_system_s_dark_scheme_is_the_chosen_one(self) -> None:
        chosen, system = SHEET.split(':root[data-theme="dark"] {')[1].split("@media (prefers-color-scheme: dark)")
        self.assertEqual(self.tokens(chosen), self.tokens(system.split(".hue-0")[0]))

    def test_texts_are_readable_in_both_schemes(self) -> None:
        pairs = [(f"--{text}", f"--{ground}") for text in ("text", "text-2", "text-3") for ground in ("surface", "bg")]
        pairs += [("--on-accent", "--accent"), ("--accent", "--accent-soft"), ("--text-3", "--accent-soft")]
        pairs += [(f"--{tone}", f"--{tone}-soft") for tone in ("good", "warn", "bad")]
        for tokens in self.schemes():
            for text, ground in pairs:
                self.assertGreaterEqual(self.contrast(tokens[text], tokens[ground]), 4.5, f"{text} on {ground}")

    def test_marks_are_visible_in_both_schemes(self) -> None:
        for tokens in self.schemes():
            for mark in ("--line-2", "--good-fill", "--warn-fill", "--bad-fill", "--c2", "--c3", "--c4"):
                self.assertGreaterEqual(self.contrast(tokens[mark], tokens["--surface"]), 3, mark)


class Templates(SimpleTestCase):
    def test_no_template_carries_inline_style_script_or_handler(self) -> None:
        for file in TEMPLATES.rglob("*.html"):
            text = file.read_text()
            self.assertIsNone(search(r"\sstyle=|<style|\son\w+=\"|javascript:", text), file)
            self.assertNotRegex(text, r"<script(?![^>]*\bsrc=)", str(file))

    def test_nothing_comes_from_another_host(self) -> None:
        for file in (*TEMPLATES.rglob("*.html"), *(Path(settings.BASE_DIR) / "static/js").glob("*.js")):
            self.assertIsNone(search(r"(src|href)=\"(https?:)?//", file.read_text()), file)

    def test_every_component_has_its_template(self) -> None:
        kinds = [kind for module in (components, evidence, graphics, lists) for kind in vars(module).values()]
        named = {
            template
            for kind in kinds
            if isinstance(kind, type) and isinstance(template := vars(kind).get("template"), str)
        }
        self.assertGreater(len(named), 20)
        for template in named:
            made = get_template(template)
            assert isinstance(made, Template)
            self.assertEqual(made.template.name, template)


class Deltas(SimpleTestCase):
    def test_more_is_better_unless_said_otherwise(self) -> None:
        self.assertEqual(components.delta_of_counts(120, 100).tone, "good")
        self.assertEqual(components.delta_of_counts(120, 100, more_is_better=False).tone, "bad")

    def test_within_the_noise_is_no_judgement(self) -> None:
        same = components.delta_of_rates(0.213, 0.211, noise=0.004)
        self.assertEqual((same.sign, same.tone, same.note), ("≈", "", "within the noise"))

    def test_without_a_previous_period_is_a_dash(self) -> None:
        self.assertEqual(components.delta_of_counts(120, None).text, "–")
        self.assertEqual(components.delta_of_rates(0.1, None).text, "–")

    def test_what_was_typed_is_marked_whatever_its_case(self) -> None:
        self.assertEqual(components.pieces("White bread", "WHITE"), [("White", True), (" bread", False)])
        self.assertEqual(components.pieces("White bread", "milk"), [("White bread", False)])


class Actions(SimpleTestCase):
    def test_a_file_is_fetched_by_a_button_with_the_query_as_fields(self) -> None:
        shown = render_to_string(
            "partials/action.html", {"c": components.Action("CSV", "/x/?q=a%26b&format=csv", download=True)}
        )
        self.assertNotIn("<a ", shown)
        self.assertInHTML('<input type="hidden" name="q" value="a&amp;b">', shown)
        self.assertIn('action="/x/" method="get"', shown)
        here = render_to_string("partials/action.html", {"c": components.Action("CSV", "?format=csv", download=True)})
        self.assertIn('<form method="get">', here)  # the page's own address


class Lists(SimpleTestCase):
    def test_moves_and_their_summary(self) -> None:
        before, after = ["a", "b", "c", "d"], ["c", "b", "e", "a"]
        left, right = lists.moves(before, after)
        self.assertEqual([move and move.kind for move in left], [None, None, None, "leaves"])
        self.assertEqual([(move.kind, move.by) for move in right], [("up", 2), ("same", 0), ("new", 0), ("down", 3)])
        self.assertEqual(lists.summary(before, after, by_rules=1), lists.Summary(3, 4, 1, 1, 1, 5 / 3))

    def test_contributions_are_sorted_on_one_scale(self) -> None:
        parts = [
            evidence.Contribution("down", -0.05),
            evidence.Contribution("up", 0.4),
            evidence.Contribution("mid", 0.2),
        ]
        bars = evidence.Contributions(0.55, parts, "method").bars
        self.assertEqual([bar.label for bar in bars], ["up", "mid", "down"])
        self.assertEqual([bar.length for bar in bars], ["80.00%", "40.00%", "10.00%"])
        self.assertEqual([bar.start for bar in bars], ["20.00%", "20.00%", "10.00%"])


class Tables(SimpleTestCase):
    def test_a_second_click_turns_the_order_round(self) -> None:
        columns = [Column("Name", "name"), Column("Sold", "sold", numeric=True)]
        first = sorted_columns(columns, read_sorting({"q": "milk", "page": "3"}, ["name", "sold"], "name"))
        self.assertEqual([column.href for column in first], ["?q=milk&sort=-name", "?q=milk&sort=-sold"])
        second = sorted_columns(columns, read_sorting({"sort": "-sold"}, ["name", "sold"], "name"))
        self.assertEqual((second[1].href, second[1].direction), ("?sort=sold", "descending"))

    def test_an_unknown_order_is_the_default_one(self) -> None:
        self.assertEqual(read_sorting({"sort": "password"}, ["name"], "-name").direction, "descending")

    def test_pages_end_where_the_rows_do(self) -> None:
        made = pager(page=3, total=143, noun="products", params={"q": "milk"})
        self.assertEqual((made.first, made.last, made.previous_href, made.next_href), (101, 143, "?q=milk&page=2", ""))
        self.assertEqual(page_number({"page": "99"}, 143), 3)
        self.assertEqual(page_number({"page": "x"}, 0), 1)


class Ranges(SimpleTestCase):
    newest = date(2017, 12, 31)

    def test_the_newest_four_weeks_are_the_default(self) -> None:
        chosen = read_range({}, newest=self.newest)
        self.assertEqual((chosen.text, chosen.versus), ("4 – 31 Dec 2017", "vs 6 Nov – 3 Dec"))

    def test_last_year_is_52_weeks_ago_so_that_weekdays_match(self) -> None:
        before = read_range({"compare": "year"}, newest=self.newest).before
        self.assertEqual(before, Range(date(2016, 12, 5), date(2017, 1, 1), "none"))

    def test_nonsense_in_the_address_is_mended(self) -> None:
        turned = read_range({"from": "2017-12-31", "to": "2017-12-01", "compare": "x"}, newest=self.newest)
        self.assertEqual((turned.first, turned.last, turned.compare), (date(2017, 12, 1), date(2017, 12, 31), "before"))
        self.assertEqual(read_range({"from": "never"}, newest=self.newest).days, 28)
        self.assertEqual(read_range({"from": "1971-01-01"}, newest=self.newest).days, 731)

    def test_presets_keep_the_rest_of_the_address(self) -> None:
        control = DateRange(read_range({}, newest=self.newest), self.newest, {"placement": "home"})
        current = [preset for preset in control.presets if preset.current]
        self.assertEqual([preset.label for preset in current], ["Last 28 days"])
        self.assertIn("placement=home", current[0].href)


class ShellTest(TestCase):
    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("anna.kern", password="a-long-password"))
        set_counts({})

    def test_the_gallery_draws_every_component(self) -> None:
        html = self.client.get(reverse("gallery")).content.decode()
        self.assertEqual(html.count("<h1"), 1)
        for part in ("stats", "table", "toast", "timeline", "trace", "contributions", "chart", "dialog", "empty"):
            self.assertRegex(html, rf'class="[^"]*\b{part}\b')
        self.assertNotIn(" style=", html)

    def test_the_gallery_is_not_for_everyone(self) -> None:
        self.client.force_login(User.objects.create_user("visitor", password="a-long-password"))
        self.assertEqual(self.client.get(reverse("gallery")).status_code, 404)

    def test_the_frame_names_the_person_and_only_pages_that_exist(self) -> None:
        shell = self.client.get(reverse("gallery")).context["console"]()
        self.assertIsInstance(shell, Shell)
        self.assertEqual((shell.person.initials, shell.person.role), ("AK", "Admin"))
        for group in shell.groups:
            for item in group.items:
                self.assertEqual(reverse(item.name), item.href)

    def test_open_findings_are_counted_in_the_navigation(self) -> None:
        set_counts({"products": 2})
        self.assertContains(self.client.get(reverse("gallery")), 'class="nav-count">2')

    def test_the_chosen_scheme_is_rendered_by_the_server(self) -> None:
        self.assertNotContains(self.client.get(reverse("gallery")), "data-theme=")
        answer = self.client.post(reverse("appearance"), {"theme": "dark"}, headers={"referer": "http://evil.example/"})
        self.assertRedirects(answer, "/", fetch_redirect_response=False)
        self.assertContains(self.client.get(reverse("gallery")), 'data-theme="dark"')

    def test_an_unknown_scheme_is_not_kept(self) -> None:
        self.client.post(reverse("appearance"), {"theme": '"><script>', "keys": "off"})
        self.assertNotIn("theme", self.client.cookies)
        self.assertContains(self.client.get(reverse("gallery")), 'data-keys="off"')

    def test_every_field_of_the_gallery_is_shown(self) -> None:
        page = self.client.get(reverse("gallery")).context["page"]
        template = (TEMPLATES / "dashboard/gallery.html").read_text()
        for shown in fields(page):
            if shown.name != "header":
                self.assertIn(f"page.{shown.name}", template, shown.name)

    def test_error_pages_stand_alone(self) -> None:
        self.assertContains(self.client.get("/nowhere/"), "There is nothing at this address", status_code=404)
