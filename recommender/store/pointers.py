"""The pointer to what serves. It moves by compare-and-set: whoever writes late changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from recommender.store.connection import connected
from recommender.store.keys import key

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


def pointer() -> Pointer | None:
    """What Redis says serves."""
    with connected() as server:
        return Pointer.parse(cast("bytes | None", server.get(key("pointer"))))


def move_pointer(to: Pointer) -> bool:
    """Whether the pointer moved: a higher switch number wins, whoever writes last."""
    with connected() as server:
        return bool(server.eval(_MOVE_POINTER, 1, key("pointer"), to.switch, str(to)))


def set_pointer_back(to: Pointer, *, seen: Pointer) -> bool:
    """Whether the pointer moved from ``seen`` to a lower switch number: to what Postgres says, where that was
    restored from a copy."""
    with connected() as server:
        return bool(server.eval(_SET_POINTER_BACK, 1, key("pointer"), str(seen), str(to)))
