"""A person erased: gone from every place where something of them was, and nobody else touched."""

from __future__ import annotations

import json
import unittest
from datetime import timedelta
from unittest import mock

import orjson
from django.core.management.base import CommandError
from django.test import override_settings
from django.utils import timezone

from behavior import erasing, services
from behavior.models import Erasure, Event, RejectedEvent, Shopper
from catalog.models import Product
from recommender import erasing as recommender_erasing
from recommender import generations, publish, serve, served, state, store
from recommender.generations import StoredGeneration, folder_of
from recommender.models import ExperimentDay, Generation, ServedList, ShadowList
from recommender.publish import keeping
from recsite import erasure
from recsite.dashboard.models import AuditEntry
from recsite.testing import flush_redis
from tests.api.doors import Caller, start_afresh
from tests.goods import make_event
from tests.recommender.test_commands import say
from tests.recommender.test_publish import PublishCase


class DigestTests(unittest.TestCase):
    def test_it_names_nobody_without_the_shops_secret(self) -> None:
        self.assertEqual(erasing.digest("s:1"), erasing.digest("s:1"))
        self.assertNotEqual(erasing.digest("s:1"), erasing.digest("v:1"))
        one = erasing.digest("s:1")
        with override_settings(SECRET_KEY="another"):
            self.assertNotEqual(erasing.digest("s:1"), one)


class ErasureCase(PublishCase):
    """A shop with lists published, and one shopper of whom there is something everywhere."""

    def setUp(self) -> None:
        super().setUp()
        flush_redis()
        self.publish()
        state.forget()
        self.addCleanup(state.forget)
        self.enterContext(mock.patch.object(erasure, "ON_ITS_WAY", 0.0))
        self.anna, self.ben = Shopper.objects.filter(kind="shopper").order_by("pk")[:2]
        self.generation = Generation.objects.latest("pk").pk
        services.merge_visitor(visitor="tab-7", shopper=self.anna.external_id)

    def leave_traces(self, person: Shopper) -> None:
        name = {"shopper_kind": "shopper", "shopper_external_id": person.external_id}
        make_event(person, self.some_product(), type="view", source="api")
        serve.recommend(serve.Request(shopper=person.external_id))
        served.store_all()
        ExperimentDay.objects.create(
            experiment="x", day=timezone.now().date(), arm="a", source="api", first_at=timezone.now(), **name
        )
        run = Generation.objects.latest("pk").run
        ShadowList.objects.create(
            run=run, serving_run=run.pk, recommendation_id=f"rec_{person.pk}", shopper_id=person.pk, at=timezone.now(),
            shadow=[], serving=[],
        )  # fmt: skip
        RejectedEvent.objects.create(payload={"shopper": person.external_id}, code="unknown_type", message="?")

    def some_product(self) -> Product:
        return Product.objects.earliest("pk")

    def traces(self, person: Shopper, external_id: str) -> dict[str, int]:
        subject = f"s:{external_id}"
        who = {"shopper_kind": "shopper", "shopper_external_id": external_id}
        stored = StoredGeneration(self.generation)
        return {
            "events": Event.objects.filter(shopper_id=person.pk).count(),
            "people": Shopper.objects.filter(external_id=external_id).count(),
            "answered": ServedList.objects.filter(**who).count(),
            "experiments": ExperimentDay.objects.filter(**who).count(),
            "shadow": ShadowList.objects.filter(shopper_id=person.pk).count(),
            "rejects": RejectedEvent.objects.filter(payload__shopper=external_id).count(),
            "redis": store.traces(subject, [self.generation]),
            "disk": int(stored.of(subject) != (None, None)),
        }


class EraseTests(ErasureCase):
    def test_gone_everywhere_and_nobody_else(self) -> None:
        for person in (self.anna, self.ben):
            self.leave_traces(person)
        pk, name = self.anna.pk, self.anna.external_id
        for there in (self.traces(self.anna, name), before := self.traces(self.ben, self.ben.external_id)):
            self.assertTrue(all(there.values()), there)
        made = erasure.erase(kind="shopper", external_id=name, by=None, via="tests")
        self.assertEqual(set(self.traces(Shopper(pk=pk), name).values()), {0})
        self.assertEqual(self.traces(self.ben, self.ben.external_id), before)
        self.assertFalse(Shopper.objects.filter(external_id="tab-7").exists())
        self.assertIsNotNone(made.completed_at)
        self.assertEqual((set(made.remaining.values()), made.pending), ({0}, []))
        self.assertTrue(all(made.erased[what] for what in made.erased if what != "profiles"), made.erased)

    def test_no_byte_of_the_list_is_left_in_the_files(self) -> None:
        name = f"s:{self.anna.external_id}"
        pool, history = StoredGeneration(self.generation).of(name)
        others = {subject: row for subject, *row in StoredGeneration(self.generation).rows() if subject != name}
        assert pool is not None
        assert history is not None
        mapped = StoredGeneration(self.generation)  # as a serving process holds it, from before
        erasure.erase(kind="shopper", external_id=self.anna.external_id, by=None, via="tests")
        folder = folder_of(self.generation)
        self.assertNotIn(pool, (folder / generations.LISTS).read_bytes())
        self.assertNotIn(history, (folder / generations.HISTORIES).read_bytes())
        self.assertNotIn(name, json.loads((folder / generations.SUBJECTS).read_text()))
        self.assertFalse(any(mapped.of(name)[0] or b""))
        after = StoredGeneration(self.generation)
        self.assertEqual({subject: row for subject, *row in after.rows()}, others)
        flush_redis()
        self.assertEqual(keeping.republish(Generation.objects.get(pk=self.generation)), len(others))
        self.assertEqual(store.traces(name, [self.generation]), 0)

    def test_they_are_answered_like_anybody_new(self) -> None:
        erasure.erase(kind="shopper", external_id=self.anna.external_id, by=None, via="tests")
        answer = serve.recommend(serve.Request(shopper=self.anna.external_id, record=False))
        self.assertTrue(answer.items)
        self.assertIsNotNone(answer.fallback)

    def test_the_receipt_and_the_audit_log_name_nobody(self) -> None:
        made = erasure.erase(kind="shopper", external_id=self.anna.external_id, by=None, via="tests")
        entry = AuditEntry.objects.get(action="shopper.erase")
        for told in (entry.subject, json.dumps(entry.detail), json.dumps(erasure.receipt_of(made))):
            self.assertNotIn(f'"{self.anna.external_id}"', told)
        self.assertEqual(erasure.receipts_of("shopper", self.anna.external_id), [made])
        self.assertEqual(erasure.receipts_of("visitor", "tab-7"), [made])
        self.assertEqual(erasure.receipts_of("shopper", self.ben.external_id), [])

    def test_what_arrives_late_under_the_old_id_goes_too(self) -> None:
        made = erasing.begin(kind="shopper", external_id=self.anna.external_id)
        make_event(Shopper(pk=made.shopper_ids[0]), self.some_product(), type="view")
        self.assertEqual(erasing.remaining(made)["events"], 1)
        self.assertIsNotNone(erasure.finish(made).completed_at)
        self.assertEqual(erasing.remaining(made)["events"], 0)

    def test_while_redis_is_away_a_worker_goes_on_later(self) -> None:
        with mock.patch.object(store, "forget", side_effect=store.StoreDown("away")):
            made = erasure.erase(kind="shopper", external_id=self.anna.external_id, by=None, via="tests")
        self.assertIsNone(made.completed_at)
        self.assertIn(f"s:{self.anna.external_id}", made.pending)
        self.assertEqual(erasure.go_on(), 0)  # somebody may be at it still
        Erasure.objects.update(at=timezone.now() - timedelta(minutes=2))
        self.assertEqual(erasure.go_on(), 1)
        self.assertEqual(store.traces(f"s:{self.anna.external_id}", [self.generation]), 0)
        self.assertEqual(erasure.go_on(), 0)

    def test_a_generation_made_from_what_was_read_before_does_not_bring_them_back(self) -> None:
        name = f"s:{self.anna.external_id}"
        began = timezone.now() - timedelta(minutes=5)
        erasure.erase(kind="shopper", external_id=self.anna.external_id, by=None, via="tests")
        folder = folder_of(self.generation)
        names = json.loads((folder / generations.SUBJECTS).read_text())
        (folder / generations.SUBJECTS).write_text(json.dumps([one or name for one in names]))  # as if read before
        store.write_lists(self.generation, [(name, b"list", b"history")])
        self.assertEqual(recommender_erasing.blank_late(self.generation, since=timezone.now() + timedelta(hours=1)), 0)
        self.assertEqual(recommender_erasing.blank_late(self.generation, since=began), 1)
        self.assertEqual(store.traces(name, [self.generation]), 0)
        self.assertNotIn(name, StoredGeneration(self.generation).subjects)


class DoorTests(ErasureCase):
    def setUp(self) -> None:
        super().setUp()
        start_afresh()
        self.caller = Caller(scopes=["privacy:write"])

    def test_export_then_erase_then_nothing(self) -> None:
        self.leave_traces(self.anna)
        path = f"shoppers/{self.anna.external_id}"
        known = orjson.loads(self.caller.get(f"{path}/export").content)
        self.assertEqual((known["id"], known["visitors"]), (self.anna.external_id, ["tab-7"]))
        self.assertTrue(known["events"] and known["lists_answered"])
        answer = self.caller.call("DELETE", path)
        receipt = orjson.loads(answer.content)
        self.assertEqual((answer.status_code, receipt["complete"], receipt["earlier"]), (200, True, []))
        self.assertEqual(receipt["erased"]["events"], len(known["events"]))
        self.assertEqual(self.caller.get(f"{path}/export").status_code, 404)
        again = self.caller.call("DELETE", path)
        self.assertEqual((again.status_code, orjson.loads(again.content)["earlier"]), (200, [receipt["receipt"]]))

    def test_visitors_and_unknown_ones(self) -> None:
        Shopper.objects.create(kind="visitor", external_id="tab-9", is_stub=True)
        self.assertEqual(orjson.loads(self.caller.call("DELETE", "visitors/tab-9").content)["erased"]["people"], 1)
        for path in ("shoppers/nobody", "visitors/nobody", "shoppers/nobody"):
            self.assertEqual(self.caller.call("DELETE", path).status_code, 404)

    def test_only_with_the_scope_and_a_secret_key(self) -> None:
        other = Caller(scopes=["catalog:write", "events:write"])
        page = Caller(kind="publishable")
        for method, path in (("DELETE", "shoppers/1"), ("GET", "shoppers/1/export"), ("DELETE", "visitors/1")):
            for caller in (other, page):
                self.assertEqual(caller.call(method, path).status_code, 403)
        self.assertTrue(Shopper.objects.filter(pk=self.anna.pk).exists())

    def test_in_the_terminal(self) -> None:
        shown = json.loads(say("erase", "--shopper", self.anna.external_id))
        self.assertTrue(shown["complete"])
        (receipt,) = json.loads(say("erase", "--shopper", self.anna.external_id, "--receipts"))
        self.assertEqual(receipt["receipt"], shown["receipt"])
        with self.assertRaisesMessage(CommandError, "nothing is known"):
            say("erase", "--visitor", "nobody")
        self.assertIsNotNone(publish.serving())
