"""The code version of a run, on real trees and a real git."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

from recommender import codeversion


def git(tree: Path, *arguments: str) -> str:
    named = ("-c", "user.name=Anna", "-c", "user.email=anna@example.com")
    command = ["git", "-C", str(tree), *named, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class CodeVersion(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        self.engine = self.tree / "recommender" / "engine"
        self.engine.mkdir(parents=True)
        (self.engine / "train.py").write_text("STEPS = 1\n")

    def commit(self) -> str:
        git(self.tree, "init", "--quiet")
        git(self.tree, "add", ".")
        git(self.tree, "commit", "--quiet", "--message", "Begin")
        return git(self.tree, "rev-parse", "HEAD")

    def version(self) -> str:
        return codeversion.of(self.tree, self.engine)

    def test_without_a_checkout_the_engine_is_digested(self) -> None:
        first = self.version()
        self.assertRegex(first, r"^engine [0-9a-f]{12}$")
        (self.engine / "train.py").write_text("STEPS = 2\n")
        changed = self.version()
        self.assertNotEqual(changed, first)
        (self.engine / "train.py").write_text("STEPS = 1\n")
        self.assertEqual(self.version(), first)
        (self.engine / "train.py").rename(self.engine / "lists.py")
        self.assertNotEqual(self.version(), first)

    def test_a_checkout_is_its_commit(self) -> None:
        commit = self.commit()
        (self.tree / "notes.txt").write_text("not code\n")
        self.assertEqual(self.version(), commit[:12])

    def test_changed_or_new_code_is_told_beside_the_commit(self) -> None:
        commit = self.commit()
        new = self.engine / "fresh.py"
        new.write_text("")
        self.assertRegex(self.version(), rf"^{commit[:12]}, engine [0-9a-f]{{12}}$")
        new.unlink()
        (self.tree / "recommender" / "engine" / "train.py").write_text("STEPS = 2\n")
        self.assertRegex(self.version(), rf"^{commit[:12]}, engine [0-9a-f]{{12}}$")

    def test_inside_another_repository_its_commit_is_not_ours(self) -> None:
        self.commit()
        inner = self.tree / "recommender"
        self.assertRegex(codeversion.of(inner, inner / "engine"), r"^engine [0-9a-f]{12}$")

    def test_this_very_code_has_a_version_that_fits_its_column(self) -> None:
        self.assertRegex(codeversion.current(), r"[0-9a-f]{12}")
        self.assertLessEqual(len(codeversion.current()), 64)
