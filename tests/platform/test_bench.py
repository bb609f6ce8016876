"""The benchmark's own instruments: a real server, a real load, figures that say their reference."""

from __future__ import annotations

import http.server
import threading
import unittest
import uuid
from unittest import mock

import orjson
from django.contrib.auth.models import User
from django.test import TestCase
from django.urls import resolve

from behavior import services as behavior_services
from behavior.models import Event, ShopperProfile
from catalog.models import Import
from recommender.models import Experiment, Rule, TrainingRun
from recsite.bench import figures, freshness, load, page_addresses, pages, server, traces
from recsite.bench.figures import Figure
from recsite.bench.peak import matrix_product
from recsite.dashboard import navigation
from recsite.dashboard.models import ShopSettings
from recsite.dashboard.roles import ADMIN
from recsite.testing import flush_redis, open_new_shop
from tests.dashboard.test_lists import make_profile
from tests.goods import make_event, make_products, make_shoppers


class FigureTests(unittest.TestCase):
    def test_a_line_says_value_unit_and_ratio(self) -> None:
        line = figures.table([Figure("lists", 1500, "lists/s", 3000, "bare DRF")])
        self.assertRegex(line, r"lists\s+1,500 lists/s\s+0\.500 of 3,000 \(bare DRF\)")

    def test_no_reference_no_ratio(self) -> None:
        self.assertIsNone(Figure("lists", 1.0, "lists/s").to_dict()["ratio"])
        self.assertIsNone(Figure("lists", 1.0, "lists/s", 0.0).ratio)

    def test_percentiles_are_milliseconds(self) -> None:
        self.assertAlmostEqual(figures.percentile([0.001, 0.002, 0.003], 0.5), 2.0)
        self.assertNotEqual(figures.percentile([], 0.5), figures.percentile([], 0.5))  # not a number

    def test_the_processor_is_measured(self) -> None:
        self.assertGreater(matrix_product(0.05), 0)


class LoadTests(unittest.TestCase):
    def test_the_yardstick_answers(self) -> None:
        with server.running(server.REFERENCE) as port:
            status, body = load.Connection(port).send(load.request("GET", "/constant"))
            self.assertEqual((status, orjson.loads(body)), (200, {"status": "constant"}))
            result = load.run(port, [load.request("GET", "/constant")], seconds=0.5, connections=2)
            paced = load.run(port, [load.request("GET", "/nothing")], seconds=0.5, connections=2, rate=20)
        self.assertEqual((set(result.statuses), result.refused), ({200}, 0))
        self.assertGreater(result.rate, 0)
        self.assertEqual(paced.refused, len(paced.seconds))
        self.assertLessEqual(len(paced.seconds), 12)


class InsistingTests(unittest.TestCase):
    """A post that is refused is sent again as ``Retry-After`` says, and each refusal counts."""

    def insist(self, *statuses: int, header: bool = True) -> tuple[int, bytes, int]:
        left = list(statuses)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(left.pop(0))
                if header:
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as shop:
            threading.Thread(target=shop.serve_forever, daemon=True).start()
            line = load.Connection(shop.server_port)
            try:
                return freshness._insist(line, load.request("POST", "/api/v1/events", body=b"{}"))
            finally:
                line.close()
                shop.shutdown()
                self.assertEqual(left, [])

    def test_until_it_is_taken(self) -> None:
        self.assertEqual(self.insist(200), (200, b"ok", 0))
        self.assertEqual(self.insist(503, 429, 200), (200, b"ok", 2))

    def test_not_for_ever(self) -> None:
        self.assertEqual(self.insist(*[503] * freshness.TRIES), (503, b"ok", freshness.TRIES))

    def test_not_where_nobody_asked_for_it(self) -> None:
        self.assertEqual(self.insist(503, header=False), (503, b"ok", 1))
        self.assertEqual(self.insist(400), (400, b"ok", 0))


class TemplateTests(unittest.TestCase):
    def test_each_id_is_new_each_time_and_one_is_shared(self) -> None:
        body = orjson.dumps({"events": [{"event_id": load.EACH, "visitor": "bench-" + load.ALIKE}] * 20})
        template = load.Template.of(load.request("POST", "/api/v1/events", body=body))
        sent = [template.fresh(client, turn) for client in range(3) for turn in range(50)]
        self.assertEqual({len(request) for request in sent}, {len(template.data)})
        batches = [orjson.loads(request.partition(b"\r\n\r\n")[2])["events"] for request in sent]
        ids = {event["event_id"] for batch in batches for event in batch}
        self.assertEqual(len(ids), 3 * 50 * 20)
        self.assertEqual({uuid.UUID(one).version for one in ids}, {7})
        self.assertEqual([len({event["visitor"] for event in batch}) for batch in batches], [1] * 150)
        self.assertEqual(len({batch[0]["visitor"] for batch in batches}), 150)


class TraceTests(TestCase):
    def test_nothing_is_left_and_nothing_else_goes(self) -> None:
        flush_redis()
        (product,) = make_products(1)
        (anna,) = make_shoppers(1)
        (bench,) = make_shoppers(1, prefix=traces.NAME)
        make_event(anna, product)
        make_event(bench, product, source=traces.SOURCE)
        behavior_services.build_profiles()
        traces.remove()
        self.assertEqual(list(ShopperProfile.objects.values_list("shopper_id", flat=True)), [anna.pk])
        self.assertEqual(list(Event.objects.values_list("shopper_id", flat=True)), [anna.pk])


class PageTests(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)

    def test_every_page_is_asked_and_told_apart(self) -> None:
        (anna,) = make_shoppers(1)
        for product in make_products(4):
            make_event(anna, product)
        with mock.patch.object(pages, "LEAST", 1):
            found = {figure.name: figure for figure in pages.run(0)}
        self.assertEqual(found["rounds"].value, 1)
        for name in (*page_addresses.for_merchandisers(), *page_addresses.for_admins()):
            whole = found[f"{name}, p50"]
            self.assertEqual(whole.reference_name, "bare view")
            self.assertGreater(found[f"{name}, SQL queries"].value, 0)
            self.assertLess(found[f"{name}, in SQL"].value, whole.value)
        self.assertFalse(User.objects.filter(username__startswith="bench-").exists())

    def test_every_page_of_the_navigation_is_measured(self) -> None:
        """And whatever lies beneath it, but for what a form leads to and what polls."""
        (anna,) = make_shoppers(1)
        make_event(anna, make_products(1)[0])
        make_profile(anna)
        Rule.objects.create(name="Tea first", verb="pin", condition={}, parameters={"position": 1})
        Experiment.objects.create(slug="tea-first", placement="home", share=50, before={}, setup={})
        for _ in range(2):
            TrainingRun.objects.create(status=TrainingRun.Status.REFUSED, metrics={"ALL": {}})
        Import.objects.create(kind="products", file_name="p.csv")
        kinds = {**page_addresses.for_merchandisers(), **page_addresses.for_admins()}
        asked = {resolve(address.partition("?")[0]).url_name for some in kinds.values() for address in some}
        listed = {name for _, pages_of in navigation._PAGES for name, _, _ in pages_of}
        below = {"product", "shopper", "placement", "experiment", "rule", "model", "model-compare", "import", "search"}
        within = {"settings-keys", "settings-people", "settings-event-types", "settings-audit", "settings-you"}
        self.assertEqual((listed | below | within) - asked, set())

    def test_a_page_that_only_admins_see_is_asked_for_by_one(self) -> None:
        with pages.visitor() as merchandiser, self.assertRaisesRegex(SystemExit, "answered 403"):
            pages.ask(merchandiser, "/settings/people/")
        ShopSettings.objects.update_or_create(defaults={"demand_second_factor": True})
        with pages.visitor(ADMIN) as admin:
            self.assertGreater(pages.ask(admin, "/settings/people/").queries, 0)

    def test_a_page_that_is_not_there_has_no_speed(self) -> None:
        with pages.visitor() as client, self.assertRaisesRegex(SystemExit, "answered 404"):
            pages.ask(client, "/products/none/")
