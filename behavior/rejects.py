"""Events that were refused: kept as they came, until they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db.models import JSONField, Value

from behavior.models import RejectedEvent
from behavior.records import MAX_EVENT_BYTES, Reject


def keep(rejects: Sequence[Reject], source: str) -> None:
    """In the transaction of the events that came with them."""
    letters = (
        RejectedEvent(
            source=source,
            payload=_storable(reject.payload),
            code=reject.code,
            field=reject.field[:40],
            message=reject.message.replace("\0", "␀")[:500],
        )
        for reject in rejects
    )
    RejectedEvent.objects.bulk_create(letters)


def _storable(payload: Any) -> Any:
    """What came, as a jsonb may hold it: no NUL, and not more than an event may be."""
    if payload is None:
        return Value(None, JSONField())  # a JSON null, where None would be no value at all
    text = orjson.dumps(payload)
    if len(text) > MAX_EVENT_BYTES:
        return {"shortened": text[:1_000].decode(errors="replace")}
    return _without_nul(payload) if b"\\u0000" in text else payload


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "␀")
    if isinstance(value, list):
        return [_without_nul(part) for part in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(part) for key, part in value.items()}
    return value
