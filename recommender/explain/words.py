"""The words of a reason: names that fit, stretches of time."""

from __future__ import annotations

from functools import lru_cache

CHIP = 28  # characters of a chip on a tile


@lru_cache(maxsize=20_000)
def short(title: str) -> str:
    """A title inside a sentence: without the size, its first letter small unless it is an abbreviation."""
    words = title.split(" · ")[0].strip()
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


@lru_cache(maxsize=20_000)
def clip(before: str, name: str, after: str = "") -> str:
    """``before + name + after`` within ``CHIP`` characters, the name cut at a word."""
    room = CHIP - len(before) - len(after)
    if len(name) > room:
        cut = name[: room - 1]
        if " " in cut[room // 2 :]:
            cut = cut[: cut.rindex(" ")]
        name = cut.rstrip(" ,·-") + "…"
    return before + name + after


def span(days: float) -> str:
    """How long it takes, behind "every": "9 days"."""
    if days < 1.5:
        return "day"
    if days < 45:
        return f"{days:.0f} days"
    return f"{days / 30.4:.0f} months"


def ago(days: float) -> str:
    """How long it is since: "9 days ago"."""
    if days < 1:
        return "today"
    if days < 1.5:
        return "yesterday"
    if days < 45:
        return f"{days:.0f} days ago"
    return f"{days / 30.4:.0f} months ago" if days < 700 else "long ago"
