"""Till codes as people would say them: ``FRZN FRENCH FRIES`` → ``Frozen French fries``.

Catalogues that come from tills spell in capitals, cut words short and stop in the middle of one. Pure and generic:
whole phrases that no rule would get right, then word by word. A name in ordinary spelling is left as it is.
"""

from __future__ import annotations

import re

from catalog.till_codes import FILLERS, LOOSE, PHRASES, PROPER, SEPARATORS, UNITS, VAGUE, WORDS


def is_coded(text: str) -> bool:
    """Whether a name is spelled in capitals, as tills spell."""
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) > 2 and not any(letter.islower() for letter in letters)


def plain_name(text: str) -> str:
    """A coded name in sentence case with its codes resolved; any other name as it is."""
    text = " ".join(text.split())
    if not is_coded(text):
        return text
    lower = re.sub(r"\([^)]*\)?", " ", text.lower())  # what stands in brackets, also in one that was cut off
    lower = re.sub(r"\bw/\s*", "with ", lower)
    if said := PHRASES.get(_key(lower)) or PHRASES.get(_key(text.lower())):
        return said
    parts = (_part(part) for part in re.split(SEPARATORS, lower))
    name = ", ".join(part for part in parts if part)
    return name[:1].upper() + name[1:] if name else text.capitalize()


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def _part(text: str) -> str:
    """The words between two separators; ``a/b/c`` is ``a, b and c``."""
    choices = [_words(choice) for choice in re.split(r"\s*[/&]\s*|\s+and\s+", text)]
    choices = list(dict.fromkeys(choice for choice in choices if choice))
    if len(choices) < 2:
        return "".join(choices)
    return f"{', '.join(choices[:-1])} and {choices[-1]}"


def _words(text: str) -> str:
    words = re.findall(r"[a-z0-9%'.]+(?:-[a-z0-9%']+)*", text)
    if len(words) > 1 and len(words[-1]) == 1 and words[-1].isalpha():
        words.pop()  # the first letter of a word that was cut off
    words = [word.strip(".") for word in words]
    said = (PROPER.get(word, WORDS.get(word, word)) for word in words)
    return " ".join(word for word in said if word)


def product_title(kind: str, category: str = "", size: str = "") -> str:
    """A title from type, category and package size: ``White milk · 20 oz``, ``Lean · Beef``.

    The category is named where the type alone says nothing (``PREMIUM``).
    """
    name = plain_name(kind) if kind else ""
    group = plain_name(category) if category else ""
    if not name:
        name = group
    elif group and _is_vague(name):
        name = (
            f"{name} {_lowered(group)}" if len(name.split()) == 1 and len(group) < 30 else f"{name}, {_lowered(group)}"
        )
    label = size_label(size)
    return f"{name} · {label}" if name and label and label != "loose" else name


def _is_vague(name: str) -> bool:
    words = set(re.findall(r"[a-z']+", name.lower())) - FILLERS
    return words <= VAGUE


def _lowered(name: str) -> str:
    return name if name[:2].isupper() or name.split()[0].lower() in PROPER else name[:1].lower() + name[1:]


def size_label(size: str) -> str:
    """A package size as people read it: ``20 OZ`` → ``20 oz``, ``12 CT`` → ``12 ct``, ``CTN`` → ``loose``."""
    text = re.sub(r"[()*]|\s+", " ", size.lower()).strip()
    if not text:
        return ""
    if text in LOOSE or "/cs" in text.replace(" ", ""):
        return "loose"
    text = re.sub(r"(?<=\d)(?=[a-z])", " ", text)
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    text = re.sub(r"(?<=\d)\.0+(?=\s|$)", "", text)
    words = [UNITS.get(word.strip("."), word) for word in text.split()]
    return (
        " ".join(dict.fromkeys(words))
        if len(words) > 1
        else f"1 {words[0]}"
        if words[0] in UNITS.values()
        else words[0]
    )
