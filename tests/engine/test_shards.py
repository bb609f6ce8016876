"""Rows of features on disk: the same as in memory whatever the shard, of which one is in memory, and nothing left."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from recommender.engine import network, shards, train
from recommender.engine.ranker import Ranker
from recommender.engine.sampling import Pool
from tests.engine.small import QUICK, busy, busy_shop, newest

MIB = 2**20


def on_disk(x: np.ndarray, folder: Path | None = None, pieces: int = 7) -> shards.Rows:
    with shards.writer(folder) as writer:
        for piece in np.array_split(x, pieces):
            writer.add(piece)
        return writer.rows()


class Reading(unittest.TestCase):
    def setUp(self) -> None:
        self.rng = np.random.default_rng(0)
        self.x = self.rng.random((5_000, 12)).astype(np.float16)

    def test_rows_on_disk_in_memory_and_joined_are_the_same(self) -> None:
        rows = shards.joined([on_disk(self.x[:3_000]), self.x[3_000:3_100], on_disk(self.x[3_100:], pieces=1)])
        places = self.rng.integers(len(self.x), size=(40, 9))
        for size in (1, 7, 100, 10_000):
            with self.subTest(shard=size), patch.object(shards, "SHARD_ROWS", size):
                np.testing.assert_array_equal(rows[places], self.x[places])
                np.testing.assert_array_equal(rows[places[:0]], self.x[places[:0]])
                np.testing.assert_array_equal(np.concatenate(list(rows)), self.x)
                self.assertLessEqual(max(map(len, rows)), size)
        self.assertEqual((len(rows), rows.width), self.x.shape)
        np.testing.assert_array_equal(np.asarray(rows), self.x)

    def test_a_file_of_a_name_comes_back(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows"
            shards.save(on_disk(self.x), file)
            np.testing.assert_array_equal(np.asarray(shards.load(file, 12)), self.x)
            shards.save(self.x[:0], file)
            self.assertEqual(len(shards.load(file, 12)), 0)

    def test_what_was_read_leaves_memory(self) -> None:
        rows = on_disk(np.zeros((400_000, 100), np.float16))  # 76 MiB
        before = resident()
        for _ in range(60):
            rows[self.rng.integers(len(rows), size=(32, 90))]
        rows[self.rng.integers(len(rows), size=20_000)]
        self.assertLess(resident() - before, 16 * MIB)


def resident() -> int:
    """Bytes of this process in memory, those of mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Leftovers(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def mapped(self) -> list[str]:
        """Files of the folder that this process still reads, with or without a name."""
        gc.collect()
        return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(self.folder) in line]

    def test_a_file_lives_as_long_as_its_rows(self) -> None:
        rows = on_disk(np.ones((100, 3), np.float16), self.folder)
        self.assertEqual((list(self.folder.iterdir()), len(self.mapped())), ([], 1))
        del rows
        self.assertEqual(self.mapped(), [])

    def test_nothing_is_left_of_a_process_that_was_killed(self) -> None:
        program = (
            "import os, pathlib, signal, sys, numpy as np\nfrom recommender.engine import shards\n"
            "with shards.writer(pathlib.Path(sys.argv[1])) as writer:\n"
            "    writer.add(np.ones((100_000, 9), np.float16))\n    rows = writer.rows()\n"
            "    assert rows[np.arange(9)].all()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        done = subprocess.run([sys.executable, "-c", program, str(self.folder)], check=False)
        self.assertEqual((done.returncode, list(self.folder.iterdir())), (-signal.SIGKILL, []))

    def test_nothing_is_left_of_a_training_that_failed(self) -> None:
        class Broken(Exception):
            pass

        def fails(*arguments: object, **named: object) -> None:
            self.assertEqual(len(self.mapped()), 4)  # a file a cut
            raise Broken

        data = busy_shop()
        with patch("recommender.engine.fitting.train_network", fails), self.assertRaises(Broken):
            train.run_training(data, QUICK, now=newest(data), folder=self.folder)
        self.assertEqual((list(self.folder.iterdir()), self.mapped()), ([], []))


class Training(unittest.TestCase):
    def test_shards_and_folders_change_nothing(self) -> None:
        data, whole = busy()
        rows: list[int] = []

        def train_network(module: ModuleType, loss: str, pool: Pool, *rest: Any, **named: Any) -> Any:
            rows.append(len(pool.x))
            return network.train_network(module, loss, pool, *rest, **named)

        with (
            tempfile.TemporaryDirectory() as folder,
            patch.object(shards, "SHARD_ROWS", 500),
            patch("recommender.engine.fitting.train_network", train_network),
        ):
            parted = train.run_training(data, QUICK, now=newest(data), folder=Path(folder))
            self.assertEqual(list(Path(folder).iterdir()), [])
        self.assertGreater(min(rows), 10 * 500)
        self.assertEqual(parted.metrics["models"]["deep"], whole.metrics["models"]["deep"])
        for before, after in zip(weights(whole.ranker), weights(parted.ranker), strict=True):
            np.testing.assert_array_equal(before, after)


def weights(ranker: Ranker) -> list[np.ndarray]:
    assert ranker.scorer is not None
    return [array for net in ranker.scorer.networks for step in net.operations for array in step.arrays]
