import json
from datetime import date
from typing import Any

from django.template.loader import render_to_string
from django.test import SimpleTestCase
from django.utils.html import escape

from recsite.dashboard import charts
from recsite.dashboard.charts import Area, Chart, Curve, Days, Event, Unit

START = date(2017, 12, 4)


def colours(value: Any) -> set[str]:
    """Every string of a figure that names a colour."""
    if isinstance(value, dict):
        return set().union(*map(colours, value.values()))
    if isinstance(value, list):
        return set().union(*map(colours, value)) if value else set()
    return {value} if isinstance(value, str) and value.startswith(("--", "hue:", "#", "rgb")) else set()


def one_of_each() -> list[Chart]:
    days = Days(START, [5.0, None, 7.0], [4.0, None, 6.0], [6.0, None, 8.0])
    return [
        charts.line_chart(id="a", what="Clicks", now=days, before=Days(date(2017, 11, 6), [1.0, 2.0, 3.0])),
        charts.bar_chart(id="b", what="Rate", labels=["1", "2"], values=[0.1, None], unit=charts.PERCENT),
        charts.day_bars(id="c", what="Baskets", days=days),
        charts.histogram(id="d", what="Prices", edges=[0, 1, 2], counts=[3, 4], axis="Price"),
        charts.treemap(id="e", what="Spend", areas=[Area("Dairy", 3, 256), Area("Meat", 1, 18)]),
        charts.curves_chart(id="f", what="Loss", curves=[Curve("training", [0.8, 0.5])], epochs=5),
        charts.arms_chart(id="g", what="Clicked", a=days, b=Days(START, [None, 6.0, 9.0])),
    ]


class Lines(SimpleTestCase):
    def test_a_missing_day_breaks_the_line_and_its_ground(self) -> None:
        figure = charts.line_chart(id="x", what="Revenue", now=Days(START, [5.0, None, 7.0, 8.0])).figure
        *grounds, line = figure["data"]
        self.assertEqual(line["y"], [5.0, None, 7.0, 8.0])
        self.assertFalse(line["connectgaps"])
        self.assertEqual([ground["y"] for ground in grounds], [[5.0], [7.0, 8.0]])

    def test_the_previous_period_is_dashed_on_the_same_days(self) -> None:
        made = charts.line_chart(
            id="x", what="Revenue", now=Days(START, [5.0, 6.0]), before=Days(date(2017, 11, 6), [1.0, 2.0])
        )
        before = next(trace for trace in made.figure["data"] if trace["line"].get("dash"))
        self.assertEqual(before["x"], ["2017-12-04", "2017-12-05"])
        self.assertEqual([key.label for key in made.legend], ["4 – 5 Dec", "6 – 7 Nov"])

    def test_counts_start_at_zero_and_rates_may_zoom(self) -> None:
        counts = charts.line_chart(id="x", what="Shown", now=Days(START, [5.0]))
        rates = charts.line_chart(id="x", what="Rate", now=Days(START, [0.05]), unit=charts.PERCENT, from_zero=False)
        self.assertEqual(counts.figure["layout"]["yaxis"]["rangemode"], "tozero")
        self.assertNotIn("rangemode", rates.figure["layout"]["yaxis"])
        self.assertEqual(rates.figure["data"][-1]["y"], [5.0])

    def test_an_event_is_a_hairline_with_words(self) -> None:
        figure = charts.line_chart(
            id="x", what="Rate", now=Days(START, [1.0]), events=[Event(START, "Model <14> promoted")]
        ).figure
        self.assertEqual(figure["layout"]["annotations"][0]["text"], "Model &lt;14&gt; promoted")
        self.assertEqual(len(figure["layout"]["shapes"]), 1)

    def test_the_summary_names_the_extremes(self) -> None:
        money = Unit("money")
        made = charts.line_chart(id="x", what="Revenue", now=Days(START, [500.0, None, 720.0]), unit=money)
        self.assertEqual(made.summary, "Revenue, 4 – 6 Dec: from $500 on 4 Dec to $720 on 6 Dec.")
        empty = charts.line_chart(id="x", what="Revenue", now=Days(START, [None, None]), unit=money)
        self.assertEqual(empty.summary, "Revenue, 4 – 5 Dec: no data.")


class Others(SimpleTestCase):
    def test_both_arms_stand_in_one_table_and_one_sentence(self) -> None:
        a, b = Days(START, [0.04, None]), Days(START, [None, None])
        made = charts.arms_chart(id="x", what="Clicked", a=a, b=b, unit=charts.PERCENT)
        self.assertEqual(made.summary.replace("\u2009", " "), "Clicked, 4 – 5 Dec: A from 4.00 % to 4.00 %; B no data.")
        rows = [[cell.content for cell in row.cells[1:]] for row in made.data.rows]
        self.assertEqual(rows, [["4.00\u2009%", "no data"], ["no data", "no data"]])
        self.assertEqual([key.tone for key in made.legend], ["grey", ""])

    def test_few_bars_carry_their_values_and_many_do_not(self) -> None:
        few = charts.bar_chart(id="x", what="Rate", labels=["1", "2"], values=[0.089, 0.034], unit=charts.PERCENT)
        many = charts.bar_chart(id="x", what="N", labels=[str(n) for n in range(20)], values=[1.0] * 20)
        self.assertEqual(few.figure["data"][0]["text"], ["8.9", "3.4"])
        self.assertNotIn("text", many.figure["data"][0])

    def test_areas_name_value_and_share(self) -> None:
        areas = [Area("Dairy & eggs", 300, 256, "mostly <milk>"), Area("Meat", 100, 18)]
        trace = charts.treemap(id="x", what="Spend", areas=areas, unit=Unit("money")).figure["data"][0]
        self.assertEqual(trace["labels"][0], "Dairy &amp; eggs")
        self.assertEqual(trace["text"][0], "$300 · 75\u2009%<br>mostly &lt;milk&gt;")
        self.assertEqual(trace["marker"]["colors"], ["hue:256", "hue:18"])

    def test_curves_are_labelled_at_their_ends_and_kept_apart(self) -> None:
        curves = [Curve("validation", [0.8, 0.381]), Curve("training", [0.8, 0.380], "grey")]
        labels = charts.curves_chart(id="x", what="Loss", curves=curves, epochs=9).figure["layout"]["annotations"]
        self.assertEqual([label["text"] for label in labels], ["validation 0.381", "training 0.380"])
        self.assertGreaterEqual(labels[0]["yshift"] - labels[1]["yshift"], 12)

    def test_no_epoch_yet_is_said(self) -> None:
        made = charts.curves_chart(id="x", what="Loss", curves=[Curve("training", [])], epochs=9)
        self.assertEqual(made.summary, "Loss: no epoch is finished yet.")


class Rules(SimpleTestCase):
    def test_colours_are_variables_so_that_one_figure_serves_both_schemes(self) -> None:
        for chart in one_of_each():
            fixed = {colour for colour in colours(chart.figure) if colour.startswith(("#", "rgb"))}
            self.assertEqual(fixed - {"rgba(0,0,0,0)"}, set(), chart.id)

    def test_texts_hold_no_tag_that_becomes_a_style_attribute(self) -> None:
        for chart in one_of_each():
            self.assertNotRegex(json.dumps(chart.figure), r"<(b|i|sub|sup|span|em)\b")

    def test_each_has_a_sentence_and_its_numbers(self) -> None:
        for chart in one_of_each():
            html = render_to_string("partials/chart.html", {"c": chart})
            self.assertIn(f'role="img" aria-label="{escape(chart.summary)}"', html)
            self.assertIn("<summary>Data</summary>", html)
            self.assertIn("</table>", html)
