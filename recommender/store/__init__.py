"""Every Redis key and its life; nobody else speaks Redis. Byte layouts are in ``recommender.packing``.

    pointer                       ``switch:generation:run`` of what serves; moved by a compare-and-set  ``pointers``
    versions                      hash: name → version of each shared value                        ``shared_values``
    shared:{name}                 sealed value: rules, placements, keys, availability, catalogue
    list:{g}:{subject}            a shopper's pool in generation g           TTL LIST_SECONDS              ``lists``
    history:{g}:{subject}         a shopper's events as of generation g      TTL LIST_SECONDS
    manifest:{g}                  what a complete generation holds           TTL LIST_SECONDS
    recent:{subject}              capped list of events posted lately        TTL RECENT_SECONDS    ``recent_events``
    refresh:{subject}             a fresh list is on its way                 TTL REFRESH_SECONDS
    served                        capped stream of answered lists                                   ``served_lists``
    alive:{name}                  a worker's heartbeat                       TTL ALIVE_SECONDS             ``sight``
    minute:{m}                    hash: what the web processes counted       TTL MINUTE_SECONDS
    keys:used                     hash: API key's id → seconds since 1970; one field a key
    arrivals                      capped list: posted events, what became of them  TTL ARRIVAL_SECONDS
    bucket:{name}                 hash: tokens of an API key, and when they were counted  TTL BUCKET_SECONDS  ``tokens``

A subject is ``s:<shopper id>`` or ``v:<visitor id>``. All of it may vanish at any second: Postgres and the files
under MODEL_DIR hold everything that is needed to write it again.

Readers use short timeouts behind a breaker, writers seconds (``connection``); both raise :class:`StoreDown` and nothing
else. What one GET needs comes in one round trip (``reading``) on the thread's own ``line``.
"""

from recommender.store.connection import (
    BATCH,
    READ_TIMEOUT,
    Breaker,
    StoreDown,
    StoreFull,
    breaker,
    client,
    note_breaker,
)
from recommender.store.keys import key
from recommender.store.lists import (
    drop_generation,
    manifest,
    put_manifest,
    read_many,
    require_memory,
    used_memory,
    write_lists,
)
from recommender.store.pointers import Pointer, move_pointer, pointer, set_pointer_back
from recommender.store.reading import Reading, read, watch_versions
from recommender.store.recent_events import (
    RECENT_EVENTS,
    forget,
    in_order,
    note_recent,
    recent,
    refill_recent,
    start_refresh,
    traces,
)
from recommender.store.served_lists import drop_served, record_served, take_served
from recommender.store.shared_values import put_shared, shared, versions
from recommender.store.sight import (
    add_arrivals,
    add_minute,
    arrivals,
    beat,
    forget_arrivals,
    is_alive,
    keys_used,
    minutes,
    note_keys_used,
    ping,
    queue_lengths,
)
from recommender.store.tokens import take_no_token, take_tokens

__all__ = [
    "BATCH",
    "READ_TIMEOUT",
    "RECENT_EVENTS",
    "Breaker",
    "Pointer",
    "Reading",
    "StoreDown",
    "StoreFull",
    "add_arrivals",
    "add_minute",
    "arrivals",
    "beat",
    "breaker",
    "client",
    "drop_generation",
    "drop_served",
    "forget",
    "forget_arrivals",
    "in_order",
    "is_alive",
    "key",
    "keys_used",
    "manifest",
    "minutes",
    "move_pointer",
    "note_breaker",
    "note_keys_used",
    "note_recent",
    "ping",
    "pointer",
    "put_manifest",
    "put_shared",
    "queue_lengths",
    "read",
    "read_many",
    "recent",
    "record_served",
    "refill_recent",
    "require_memory",
    "set_pointer_back",
    "shared",
    "start_refresh",
    "take_no_token",
    "take_served",
    "take_tokens",
    "traces",
    "used_memory",
    "versions",
    "watch_versions",
    "write_lists",
]
