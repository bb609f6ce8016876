"""A product's department, drawing and hue, by the words of its type and categories.

From the most specific words to the most general; a catalogue that uses none of them gets a box in a hue of each top
category's own.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from recsite.dashboard.tile_words import DEPARTMENTS, PRODUCE_HUES, SHAPE_WORDS

STEP = 4  # degrees between the hues that the style sheet knows
FALLBACK = "box"
PRODUCE_SHAPES = {"fruit", "berries", "bunch", "round", "strawberry", "banana", "leaf"}


def _compiled(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_SHAPES = tuple((shape, _compiled(words)) for shape, words in SHAPE_WORDS)
_PRODUCE = tuple((hue, _compiled(words)) for hue, words in PRODUCE_HUES)
_PRESERVED = (("tin", "Pantry", _compiled(r"shelf stable|canned")), ("bag", "Frozen", _compiled(r"frozen|frzn")))
_FAMILIES = tuple((name, hue, _compiled(words)) for name, hue, words in DEPARTMENTS)
_HUES = {name: hue for name, hue, _ in DEPARTMENTS}


def silhouette(texts: list[str]) -> str:
    """Which of the drawings, by the words of ``texts`` (most specific first)."""
    found = next((shape for text in texts for shape, pattern in _SHAPES if pattern.search(text)), FALLBACK)
    kept = _preserved(texts)
    return kept[0] if kept and found in PRODUCE_SHAPES else found


def _preserved(texts: list[str]) -> tuple[str, str] | None:
    """Corn in a tin is no produce, though only the category above it says so: its drawing and department."""
    return next((kept[:2] for kept in _PRESERVED if any(kept[2].search(text) for text in texts)), None)


@lru_cache(maxsize=1 << 16)
def department(title: str, category: str) -> tuple[str, int]:
    """A product's department in plain words, with its hue; unknown ones keep the shop's own word for the top."""
    return _department(texts_of(title, category))


def hue_of(texts: list[str], shape: str) -> int:
    """In degrees; of the department, in Produce of the fruit."""
    if shape in PRODUCE_SHAPES:
        for text in texts:
            for hue, pattern in _PRODUCE:
                if pattern.search(text):
                    return hue
    return _department(texts)[1]


def _department(texts: list[str]) -> tuple[str, int]:
    for text in texts:
        for name, hue, pattern in _FAMILIES:
            if pattern.search(text):
                kept = _preserved(texts) if name == "Produce" else None
                return (kept[1], _HUES[kept[1]]) if kept else (name, hue)
    top = texts[-1] if texts else ""
    return top or "Other", zlib.crc32(top.casefold().encode()) % 360


def texts_of(title: str, category: str) -> list[str]:
    """Title with the innermost category, then outwards to the top one; codes' separators become blanks.

    The title of something whose categories are none of ours says nothing of its looks: "The Bean Trees" is no tin.
    """
    path, is_ours = _path(category)
    if path and not is_ours:
        return path[::-1]
    texts = [_spaced(f"{title} {path[-1] if path else ''}"), *path[-2::-1]]
    if len(path) == 1 and title:
        texts.append(path[0])
    return [text for text in texts if text]


@lru_cache(maxsize=1 << 14)
def _path(category: str) -> tuple[list[str], bool]:
    """The categories from the top down, and whether any of them is one of ours."""
    path = [_spaced(part) for part in category.split(">") if part.strip()]
    return path, any(pattern.search(part) for part in path for _, _, pattern in _FAMILIES)


def _spaced(text: str) -> str:
    return " ".join(re.sub(r"[/,;:()_.-]+", " ", text).split())
