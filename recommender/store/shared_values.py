"""What all processes share: rules, placements, keys, availability, catalogue, each with a version."""

from __future__ import annotations

from typing import cast

from recommender import packing
from recommender.store.connection import connected
from recommender.store.keys import key

# A shared value and its version change together, and never backwards.
_PUT_SHARED = """
local held = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if tonumber(ARGV[2]) < held then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


def put_shared(name: str, body: bytes, version: int) -> bool:
    """Write the shared value ``name``; False where a newer one is there already."""
    with connected() as server:
        sealed = packing.seal(body)
        return bool(server.eval(_PUT_SHARED, 2, key("versions"), key("shared", name), name, version, sealed))


def shared(name: str, *, timeout: float = 2.0) -> bytes | None:
    """The body of the shared value ``name``, None where there is none that is readable."""
    with connected(timeout) as server:
        return packing.unseal(cast("bytes | None", server.get(key("shared", name))))


def versions() -> dict[str, int]:
    """The version of every shared value."""
    with connected() as server:
        found = cast("dict[bytes, bytes]", server.hgetall(key("versions")))
    return {name.decode(): int(version) for name, version in found.items()}
