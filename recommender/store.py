"""Every Redis key and its life; nobody else speaks Redis. Byte layouts are in ``packing``.

    pointer                       ``switch:generation:run`` of what serves; moved by a compare-and-set
    versions                      hash: name → version of each shared value
    shared:{name}                 sealed value: rules, placements, keys, availability, catalogue
    list:{g}:{subject}            a shopper's pool in generation g           TTL LIST_SECONDS
    history:{g}:{subject}         a shopper's events as of generation g      TTL LIST_SECONDS
    manifest:{g}                  what a complete generation holds           TTL LIST_SECONDS
    recent:{subject}              capped list of events posted lately        TTL RECENT_SECONDS
    refresh:{subject}             a fresh list is on its way                 TTL REFRESH_SECONDS
    served                        capped stream of answered lists
    alive:{name}                  a worker's heartbeat                       TTL ALIVE_SECONDS
    minute:{m}                    hash: what the web processes counted       TTL MINUTE_SECONDS
    bucket:{name}                 hash: tokens of an API key, and when they were counted  TTL BUCKET_SECONDS
    keys:used                     hash: API key's id → seconds since 1970; one field a key
    arrivals                      capped list: posted events, what became of them  TTL ARRIVAL_SECONDS

A subject is ``s:<shopper id>`` or ``v:<visitor id>``. All of it may vanish at any second: Postgres and the files
under MODEL_DIR hold everything that is needed to write it again.

Readers use short timeouts behind a breaker, writers seconds; both raise :class:`StoreDown` and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from recommender import line, packing
from recommender.packing import RecentEvent, StoredHistory, StoredList

LIST_SECONDS = 30 * 86_400
RECENT_SECONDS = 7 * 86_400
RECENT_EVENTS = 200
REFRESH_SECONDS = 60
ALIVE_SECONDS = 30
MINUTE_SECONDS = 2 * 3600
ARRIVAL_SECONDS = 24 * 3600
BUCKET_SECONDS = 60
ARRIVALS = 200  # kept of the newest
SERVED_LISTS = 200_000  # kept at most on their way to Postgres
SHARED = ("rules", "placements", "keys", "availability", "catalogue")
WRITE_TIMEOUT = 5.0
READ_TIMEOUT = 0.05  # s without a byte, on the path of a request; at 0.02 a busy machine lost 8 of 1,762 fresh events
NOTE_TIMEOUT = 0.25  # for an event that was just acknowledged: the next list should know it
BATCH = 500


class StoreDown(Exception):
    """Redis did not answer in time, refused, or is full."""


class StoreFull(StoreDown):
    """Redis has too little memory left for what is to be written."""


@dataclass(frozen=True)
class Pointer:
    """What serves: the switch that said so, the generation, the run it came of."""

    switch: int
    generation: int
    run: int

    def __str__(self) -> str:
        return f"{self.switch}:{self.generation}:{self.run}"

    @classmethod
    def parse(cls, value: bytes | None) -> Pointer | None:
        """None where nothing serves or the value is not readable."""
        parts = value.split(b":") if value else []
        return cls(*map(int, parts)) if len(parts) == 3 and all(part.isdigit() for part in parts) else None


@dataclass(frozen=True)
class Reading:
    """All that one GET needs, of one round trip."""

    pointer: Pointer | None
    versions: dict[str, int]
    list: StoredList | None
    history: StoredHistory | None
    recent: tuple[RecentEvent, ...]


class Breaker:
    """Stops asking a server that is down: after ``LIMIT`` failures in a row it stays open for ``SECONDS``, then
    lets one caller try. Without it every request of an outage would wait for its own timeout."""

    LIMIT = 3
    SECONDS = 0.5

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether to ask; while open, one caller per ``SECONDS`` may."""
        with self._lock:
            if self._failures < self.LIMIT:
                return True
            now = time.monotonic()
            if now < self._open_until:
                return False
            self._open_until = now + self.SECONDS
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._open_until = time.monotonic() + self.SECONDS


breaker = Breaker()
#: Of its own: three lists that could not wait are no reason to give up an event that was acknowledged.
note_breaker = Breaker()
_clients: dict[tuple[str, float], redis.Redis] = {}

# The pointer moves only forward: a late writer with an older switch number changes nothing.
_MOVE_POINTER = """
local now = redis.call('GET', KEYS[1])
local held = now and tonumber(string.match(now, '^(%d+):')) or -1
if tonumber(ARGV[1]) > held then redis.call('SET', KEYS[1], ARGV[2]) return 1 end
return 0
"""

# Only what was seen is replaced: a switch that came in between stays.
_SET_POINTER_BACK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end
return 0
"""

# A shared value and its version change together, and never backwards.
_PUT_SHARED = """
local held = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if tonumber(ARGV[2]) < held then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


def key(*parts: object) -> str:
    """The full name of a key."""
    return ":".join((settings.REDIS_PREFIX, *map(str, parts)))


def _name(*parts: object) -> bytes:
    return key(*parts).encode()


def client(timeout: float) -> redis.Redis:
    """The process's client with this timeout in seconds; a fork or another address gets its own."""
    wanted = (settings.REDIS_URL, timeout)
    if wanted not in _clients:
        _clients[wanted] = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
    return _clients[wanted]


def _ask(commands: Sequence[line.Command], timeout: float = READ_TIMEOUT, guard: Breaker | None = None) -> list[Any]:
    """The answers to the ``commands`` of a request, in one round trip."""
    guard = guard or breaker
    if not guard.allows():
        raise StoreDown("the breaker is open")
    rider = _rider.get()
    asked = commands if rider is None else [*commands, rider.command]
    try:
        answers = line.of_thread(settings.REDIS_URL, timeout).ask(asked)
    except (redis.RedisError, OSError) as error:
        guard.failed()
        raise StoreDown(str(error)) from error
    guard.succeeded()
    if rider is not None:
        _rider.set(None)  # once a request, however many trips it makes
        rider.told(float(answers.pop()))
    return answers


@contextmanager
def _writing(timeout: float = WRITE_TIMEOUT) -> Iterator[redis.Redis]:
    try:
        yield client(timeout)
    except redis.OutOfMemoryError as error:
        raise StoreFull(str(error)) from error
    except (redis.RedisError, OSError) as error:
        raise StoreDown(str(error)) from error


# --- Tokens that ride along ---


@dataclass(frozen=True)
class _Rider:
    command: line.Command
    told: Callable[[float], None]


_rider: ContextVar[_Rider | None] = ContextVar("rider", default=None)

# By Redis' own clock, so that processes and hosts share one bucket. As a string: Redis cuts numbers to whole ones.
_TAKE_TOKEN = b"""
local clock = redis.call('TIME')
local now, rate, burst = clock[1] + clock[2] / 1e6, tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1]) or burst
tokens = math.min(burst, tokens + math.max(0, now - (tonumber(held[2]) or now)) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
local kept = redis.pcall('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
if type(kept) == 'table' and kept.err then return '-1' end
redis.pcall('EXPIRE', KEYS[1], ARGV[3])
return string.format('%.6f', wait)
"""


def take_token(name: str, *, rate: float, burst: float, told: Callable[[float], None]) -> None:
    """Take a token of the bucket ``name`` in this request's next round trip, whatever it is for; ``told`` hears the
    seconds until there is one again (0.0: it was there; -1.0: Redis is too full to count), and what it raises comes out
    of that trip."""
    command = (b"EVAL", _TAKE_TOKEN, b"1", _name("bucket", name), b"%g" % rate, b"%g" % burst, b"%d" % BUCKET_SECONDS)
    _rider.set(_Rider(command, told))


def take_no_token() -> None:
    """The request is over: what it had on its way to Redis must not ride with the thread's next one."""
    _rider.set(None)


# --- What a request reads ---

_watchers: list[Callable[[Mapping[str, int]], None]] = []


def watch_versions(told: Callable[[Mapping[str, int]], None]) -> None:
    """Call ``told`` with the versions that ride in each request's round trip, for whoever keeps a shared value."""
    _watchers.append(told)


def read(subject: str | None, generation: int | None) -> Reading:
    """Pointer, versions and, for a ``subject``, its list and history in ``generation`` and its recent events:
    one round trip. Raises :class:`StoreDown`."""
    commands: list[line.Command] = [(b"GET", _name("pointer")), (b"HGETALL", _name("versions"))]
    if subject:
        commands += [
            (b"LRANGE", _name("recent", subject), b"0", b"%d" % (RECENT_EVENTS - 1)),
            (b"GET", _name("list", generation, subject)),
            (b"GET", _name("history", generation, subject)),
        ]
    pointer, found, *own = _ask(commands)
    recent, pool, history = own or ((), None, None)
    versions = {name.decode(): int(version) for name, version in zip(found[::2], found[1::2], strict=True)}
    for told in _watchers:
        told(versions)
    return Reading(
        Pointer.parse(pointer),
        versions,
        packing.unpack_list(pool),
        packing.unpack_history(history),
        unpack_recent(recent),
    )


def read_many(subjects: Sequence[str], generation: int) -> dict[str, tuple[StoredList | None, StoredHistory | None]]:
    """Lists and histories of many subjects, for a sample check and for batch work."""
    with _writing() as server:
        keys = [key(kind, generation, subject) for subject in subjects for kind in ("list", "history")]
        values = server.mget(keys) if keys else []
    pairs = zip(values[::2], values[1::2], strict=True)
    return {
        subject: (packing.unpack_list(pool), packing.unpack_history(history))
        for subject, (pool, history) in zip(subjects, pairs, strict=True)
    }


def unpack_recent(values: Iterable[bytes]) -> tuple[RecentEvent, ...]:
    """Oldest first, each once; an event whose bytes are not readable is left out."""
    return in_order(event for value in values if (event := packing.unpack_event(value)) is not None)


def in_order(events: Iterable[RecentEvent]) -> tuple[RecentEvent, ...]:
    """Oldest first, each once: what was noted again, or by two hands, counts once."""
    by_id = {event.id_hash: event for event in events}
    return tuple(sorted(by_id.values(), key=lambda event: (event.at, event.id_hash)))


# --- Pointer ---


def pointer() -> Pointer | None:
    """What Redis says serves."""
    with _writing() as server:
        return Pointer.parse(server.get(key("pointer")))


def move_pointer(to: Pointer) -> bool:
    """Whether the pointer moved: a higher switch number wins, whoever writes last."""
    with _writing() as server:
        return bool(server.eval(_MOVE_POINTER, 1, key("pointer"), to.switch, str(to)))


def set_pointer_back(to: Pointer, *, seen: Pointer) -> bool:
    """Whether the pointer moved from ``seen`` to a lower switch number: to what Postgres says, where that was
    restored from a copy."""
    with _writing() as server:
        return bool(server.eval(_SET_POINTER_BACK, 1, key("pointer"), str(seen), str(to)))


# --- Shared values ---


def put_shared(name: str, body: bytes, version: int) -> bool:
    """Write the shared value ``name``; False where a newer one is there already."""
    with _writing() as server:
        sealed = packing.seal(body)
        return bool(server.eval(_PUT_SHARED, 2, key("versions"), key("shared", name), name, version, sealed))


def shared(name: str, *, timeout: float = 2.0) -> bytes | None:
    """The body of the shared value ``name``, None where there is none that is readable."""
    with _writing(timeout) as server:
        return packing.unseal(server.get(key("shared", name)))


def versions() -> dict[str, int]:
    """The version of every shared value."""
    with _writing() as server:
        return {name.decode(): int(version) for name, version in server.hgetall(key("versions")).items()}


# --- Lists of a generation ---


def write_lists(generation: int, rows: Iterable[tuple[str, bytes, bytes | None]]) -> int:
    """Write (subject, packed list, packed history) under ``generation``; returns how many subjects."""
    written = 0
    with _writing() as server:
        pipeline = server.pipeline(transaction=False)
        for subject, pool, history in rows:
            pipeline.set(key("list", generation, subject), pool, ex=LIST_SECONDS)
            if history is not None:
                pipeline.set(key("history", generation, subject), history, ex=LIST_SECONDS)
            written += 1
            if written % BATCH == 0:
                pipeline.execute()
        pipeline.execute()
    return written


def put_manifest(generation: int, manifest: Mapping[str, object]) -> None:
    with _writing() as server:
        server.set(key("manifest", generation), packing.seal(orjson.dumps(manifest)), ex=LIST_SECONDS)


def manifest(generation: int) -> dict[str, object] | None:
    """What the complete ``generation`` holds, None where it is not (or no longer) whole in Redis."""
    with _writing() as server:
        body = packing.unseal(server.get(key("manifest", generation)))
    return None if body is None else orjson.loads(body)


def drop_generation(generation: int) -> int:
    """Delete every key of a retired generation, in small steps; returns how many."""
    dropped = 0
    with _writing() as server:
        for kind in ("list", "history"):
            batch: list[bytes] = []
            for name in server.scan_iter(match=key(kind, generation, "*"), count=1000):
                batch.append(name)
                if len(batch) == BATCH:
                    dropped += server.unlink(*batch)
                    batch.clear()
            dropped += server.unlink(*batch) if batch else 0
        dropped += server.unlink(key("manifest", generation))
    return dropped


def used_memory() -> int:
    """Bytes that Redis holds for everything in it."""
    with _writing() as server:
        return int(server.info("memory")["used_memory"])


def require_memory(wanted: int) -> None:
    """Raise :class:`StoreFull` unless ``wanted`` more bytes fit under the server's limit (if it has one)."""
    with _writing() as server:
        memory = server.info("memory")
    limit, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    if limit and used + wanted > limit:
        raise StoreFull(f"expected {wanted:,} bytes free in Redis, found {max(limit - used, 0):,} of {limit:,}")


# --- Recent events ---


def note_recent(events: Mapping[str, Sequence[RecentEvent]]) -> list[str]:
    """Put events (by subject) at the head of each subject's list; returns the subjects that are due a refresh."""
    commands: list[line.Command] = []
    for subject, posted in events.items():
        name = _name("recent", subject)
        commands += [
            (b"LPUSH", name, *(packing.pack_event(event) for event in posted)),
            (b"LTRIM", name, b"0", b"%d" % (RECENT_EVENTS - 1)),
            (b"EXPIRE", name, b"%d" % RECENT_SECONDS),
            (b"SET", _name("refresh", subject), b"1", b"NX", b"EX", b"%d" % REFRESH_SECONDS),
        ]
    answers = _ask(commands, NOTE_TIMEOUT, note_breaker) if commands else []
    return [subject for subject, due in zip(events, answers[3::4], strict=True) if due]


def start_refresh(subject: str) -> None:
    """The refresh of ``subject`` begins: what is posted from here on asks for another one."""
    with _writing(1.0) as server:
        server.delete(key("refresh", subject))


def refill_recent(events: Mapping[str, Sequence[RecentEvent]]) -> None:
    """Put ``events`` (oldest first) at the head of each subject's list where they are not in it already; what others
    note meanwhile stays."""
    with _writing() as server:
        pipeline = server.pipeline(transaction=False)
        for subject, posted in events.items():
            name, packed = key("recent", subject), [packing.pack_event(event) for event in posted[-RECENT_EVENTS:]]
            for value in packed:
                pipeline.lrem(name, 1, value)  # type: ignore[arg-type]  # typed as text, sent as bytes
            pipeline.lpush(name, *packed)
            pipeline.ltrim(name, 0, RECENT_EVENTS - 1)
            pipeline.expire(name, RECENT_SECONDS)
        pipeline.execute()


def recent(subject: str) -> tuple[RecentEvent, ...]:
    """The subject's recent events, oldest first."""
    with _writing() as server:
        return unpack_recent(server.lrange(key("recent", subject), 0, RECENT_EVENTS - 1))


def forget(subject: str, generations: Sequence[int]) -> None:
    """Remove every trace of a subject: recent events and its lists in ``generations``."""
    with _writing() as server:
        server.delete(
            key("recent", subject),
            key("refresh", subject),
            *(key(kind, generation, subject) for generation in generations for kind in ("list", "history")),
        )


# --- Served lists ---


def record_served(rows: Sequence[Mapping[str, object]]) -> None:
    """Put answered lists on their way to Postgres; raises :class:`StoreDown`."""
    with _writing(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for row in rows:
            pipeline.xadd(key("served"), {b"j": orjson.dumps(row)}, maxlen=SERVED_LISTS, approximate=True)
        pipeline.execute()


def take_served(count: int) -> tuple[list[str], list[dict[str, object]]]:
    """The oldest ``count`` answered lists with their stream ids; they stay until :func:`drop_served`."""
    with _writing() as server:
        entries = server.xrange(key("served"), count=count)
    return [name.decode() for name, _ in entries], [orjson.loads(fields[b"j"]) for _, fields in entries]


def drop_served(ids: Sequence[str]) -> None:
    """Called after they are committed in Postgres."""
    if ids:
        with _writing() as server:
            server.xdel(key("served"), *ids)


# --- Sight ---


def beat(name: str) -> None:
    """A worker says that it is alive."""
    with _writing() as server:
        server.set(key("alive", name), int(time.time()), ex=ALIVE_SECONDS)


def is_alive(name: str) -> bool:
    """Whether a worker called ``name`` was seen within ALIVE_SECONDS; False when Redis is down too."""
    try:
        with _writing(1.0) as server:
            return bool(server.exists(key("alive", name)))
    except StoreDown:
        return False


def queue_lengths(names: Sequence[str]) -> dict[str, int]:
    """Tasks that wait, by queue."""
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    with _writing(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for name in names:
            pipeline.llen(f"{prefix}{name}")
        return dict(zip(names, pipeline.execute(), strict=True))


def ping() -> float:
    """Seconds of a round trip; raises :class:`StoreDown`."""
    started = time.perf_counter()
    with _writing(0.5) as server:
        server.ping()
    return time.perf_counter() - started


def add_minute(minute: int, counts: Mapping[str, float]) -> None:
    """Add what a process counted in a minute (since 1970) to what others did."""
    with _writing(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for name, count in counts.items():
            pipeline.hincrbyfloat(key("minute", minute), name, count)
        pipeline.expire(key("minute", minute), MINUTE_SECONDS)
        pipeline.execute()


def minutes(first: int, last: int) -> dict[int, dict[str, float]]:
    """The counts of each of these minutes, both included; a minute without any is empty."""
    with _writing(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for minute in range(first, last + 1):
            pipeline.hgetall(key("minute", minute))
        found = pipeline.execute()
    return {
        minute: {name.decode(): float(count) for name, count in counts.items()}
        for minute, counts in zip(range(first, last + 1), found, strict=True)
    }


def add_arrivals(rows: Sequence[Mapping[str, object]]) -> None:
    """Put what was posted (oldest first) at the head of the list that the console looks at."""
    with _writing(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        pipeline.lpush(key("arrivals"), *(orjson.dumps(row) for row in rows))
        pipeline.ltrim(key("arrivals"), 0, ARRIVALS - 1)
        pipeline.expire(key("arrivals"), ARRIVAL_SECONDS)
        pipeline.execute()


def arrivals(limit: int) -> list[dict[str, object]]:
    """The newest ``limit`` of what was posted, newest first."""
    with _writing(1.0) as server:
        return [orjson.loads(row) for row in server.lrange(key("arrivals"), 0, limit - 1)]


def note_keys_used(used: Mapping[int, float]) -> None:
    """When API keys were used, by their ids."""
    with _writing(1.0) as server:
        server.hset(key("keys", "used"), mapping={str(pk): round(at) for pk, at in used.items()})


def keys_used() -> dict[int, float]:
    """When each API key was last used."""
    with _writing(1.0) as server:
        return {int(pk): float(at) for pk, at in server.hgetall(key("keys", "used")).items()}
