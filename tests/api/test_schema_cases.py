"""Requests made from the schema, good and bad: no 5xx, and every refusal in the one shape.

2,000 cases and more under ``CI=true``, a tenth of that elsewhere.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import orjson
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import TestCase
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from recommender import availability, state
from recsite import erasure
from recsite.testing import flush_redis
from tests.api.doors import Caller, start_afresh
from tests.goods import make_products, make_shoppers

CASES = 2600 if os.environ.get("CI") == "true" else 240
REFUSALS = {400, 401, 403, 404, 405, 413, 415, 429}
#: The worker and the model are not there; that is what this one says.
HONEST = {"ready": {503}}


class SchemaCases(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()
        make_products(12)
        make_shoppers(4)
        availability.publish_base()
        state.forget()
        self.addCleanup(state.forget)
        # Between two requests a server closes old connections; this test's one holds its transaction.
        for signal in request_started, request_finished:
            signal.disconnect(close_old_connections)
            self.addCleanup(signal.connect, close_old_connections)
        self.enterContext(mock.patch.object(erasure, "ON_ITS_WAY", 0.0))  # erasing waits, some hundred times
        self.headers = {"Authorization": f"Bearer {Caller().made.secret}"}

    def test_no_request_of_the_schema_ends_in_a_5xx(self) -> None:
        schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", WSGIHandler())
        read = list(schema.get_all_operations())
        operations = [one.ok() for one in read if isinstance(one, Ok)]
        self.assertEqual(len(operations), len(read))
        self.assertGreaterEqual(len(operations), 12)
        made = 0
        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            able = [operation for operation in operations if mode.is_positive or _has_input(operation)]
            for operation in able:
                with self.subTest(operation.label, mode=mode.value):
                    made += self._try(operation, mode, examples=CASES // (2 * len(able)) + 1)
        self.assertGreaterEqual(made, CASES * 0.8)

    def _try(self, operation: Any, mode: GenerationMode, *, examples: int) -> int:
        made = 0

        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            nonlocal made
            made += 1
            answer = case.call(headers=self.headers)
            name = operation.definition.raw.get("operationId", "")
            if answer.status_code in HONEST.get(name, ()):
                return
            self.assertLess(answer.status_code, 500, f"{case.as_curl_command()}\n{answer.text[:500]}")
            if answer.status_code >= 400:
                self.assertIn(answer.status_code, REFUSALS)
                self.assertLessEqual({"code", "message"}, set(orjson.loads(answer.content)["error"]))

        run()
        return made


def _has_input(operation: Any) -> bool:
    """Whether there is anything that could be wrong."""
    return bool(operation.body) or any(True for _ in operation.iter_parameters())
