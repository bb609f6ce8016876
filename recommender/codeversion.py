"""Which code made a run: the commit where the tree is a checkout, and a digest of the engine where that says more.

    7be9182a1b2c                          a checkout, nothing changed
    7be9182a1b2c, engine 9f31c2ab4d5e     a checkout whose Python files were changed since
    engine 9f31c2ab4d5e                   no checkout (an image, an unpacked archive), or git is not there

Two runs of one engine digest were computed by the same code, wherever they ran.
"""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

from django.conf import settings

from recommender import engine

SHOWN = 12
PATIENCE_SECONDS = 10.0


@cache
def current() -> str:
    """Of the files this process was started from; cached, for what is loaded does not change with the files."""
    return of(Path(settings.BASE_DIR), Path(engine.__path__[0]))


def of(tree: Path, sources: Path) -> str:
    """The version of ``tree``, whose engine lies in ``sources``."""
    seal = f"engine {digest(sources)[:SHOWN]}"
    commit = _commit(tree)
    if commit is None:
        return seal
    return f"{commit[:SHOWN]}, {seal}" if _changed(tree) else commit[:SHOWN]


def digest(folder: Path) -> str:
    """SHA-256 over the paths and contents of every Python file below ``folder``."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()


def _commit(tree: Path) -> str | None:
    """The commit that is checked out in ``tree`` itself: a shop unpacked inside another repository is not of it."""
    found = (_git(tree, "rev-parse", "--show-toplevel", "HEAD") or "").split("\n")
    if len(found) < 2 or Path(found[0]).resolve() != tree.resolve():
        return None
    return found[1]


def _changed(tree: Path) -> bool:
    """Whether a Python file differs from the commit or was added to it; also where git does not say."""
    return _git(tree, "status", "--porcelain", "--", "*.py") != ""


def _git(tree: Path, *arguments: str) -> str | None:
    """What git prints; None where it is missing, refuses (another owner's tree) or hangs."""
    command = ["git", "--no-optional-locks", "-C", str(tree), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
