"""The tokens of an API key: taken in the same round trip as what the request asks for."""

from __future__ import annotations

from collections.abc import Callable

from recommender.store.connection import Rider, rider
from recommender.store.keys import encoded

BUCKET_SECONDS = 60

# By Redis' own clock, so that processes and hosts share one bucket. As a string: Redis cuts numbers to whole ones.
_TAKE_TOKENS = b"""
local clock = redis.call('TIME')
local now, rate, burst = clock[1] + clock[2] / 1e6, tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, taken = tonumber(ARGV[4]), 0
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1]) or burst
tokens = math.min(burst, tokens + math.max(0, now - (tonumber(held[2]) or now)) * rate)
local wait = 0
if tokens >= 1 then taken = math.min(wanted, math.floor(tokens)) else wait = (1 - tokens) / rate end
tokens = tokens - taken
local kept = redis.pcall('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
if type(kept) == 'table' and kept.err then return '-1 1' end
redis.pcall('EXPIRE', KEYS[1], ARGV[3])
return string.format('%.6f %d', wait, taken)
"""


def take_tokens(name: str, *, wanted: int, rate: float, burst: float, told: Callable[[float, int], None]) -> None:
    """Take up to ``wanted`` tokens of the bucket ``name`` in this request's next round trip, whatever it is for.

    ``told`` hears the seconds until there is one again (0.0: there was one; -1.0: Redis is too full to count) and how
    many were taken; what it raises comes out of that trip.
    """
    numbers = (b"%g" % rate, b"%g" % burst, b"%d" % BUCKET_SECONDS, b"%d" % wanted)

    def hear(answer: bytes) -> None:
        wait, taken = answer.split()
        told(float(wait), int(taken))

    rider.set(Rider((b"EVAL", _TAKE_TOKENS, b"1", encoded("bucket", name), *numbers), hear))


def take_no_token() -> None:
    """The request is over: what it had on its way to Redis must not ride with the thread's next one."""
    rider.set(None)
