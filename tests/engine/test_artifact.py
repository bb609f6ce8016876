"""What was saved scores the same when loaded; what was damaged is refused with both hashes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np

from recommender.engine import artifact, tower_training
from recommender.engine.artifact import ArtifactError
from recommender.engine.interactions import histories
from recommender.engine.profile import fold
from recommender.engine.ranker import Ranker
from recommender.engine.train import run_training
from tests.engine.small import QUICK, busy, newest


class ArtifactTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())) / "model"
        self.data, self.trained = busy()
        self.items = [f"sku-{code}" for code in range(self.data.items.n)]
        self.sha256 = artifact.save(self.trained.ranker, self.folder, {"items": self.items, "run": 7})

    def test_round_trip(self) -> None:
        back = artifact.load(self.folder, sha256=self.sha256)
        shoppers = histories(self.data.interactions, np.arange(20), self.data.shoppers.attributes)
        expected = self.trained.ranker.recommend(shoppers, newest(self.data), k=10)
        found = back.recommend(shoppers, newest(self.data), k=10)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        self.assertEqual(back.items, tuple(self.items))
        self.assertEqual(back.config, self.trained.config)
        self.assertEqual(artifact.read_meta(self.folder)["run"], 7)

    def test_a_list_architecture_goes_through_the_same_run_and_file(self) -> None:
        trained = run_training(self.data, replace(QUICK, architecture="ease"), now=newest(self.data))
        sha256 = artifact.save(trained.ranker, self.folder, {"items": self.items})
        back = artifact.load(self.folder, sha256=sha256)
        shoppers = histories(self.data.interactions, np.arange(20), self.data.shoppers.attributes)
        expected = trained.ranker.recommend(shoppers, newest(self.data), k=10)
        np.testing.assert_array_equal(back.recommend(shoppers, newest(self.data), k=10)[0], expected[0])
        self.assertGreater(trained.metrics["models"]["ease"]["ALL"]["ndcg@10"], 0)

    def test_saved_again_in_place(self) -> None:
        again = artifact.save(self.trained.ranker, self.folder, {"items": self.items, "run": 8})
        self.assertNotEqual(again, self.sha256)
        artifact.load(self.folder, sha256=again)
        self.assertEqual(sorted(path.name for path in self.folder.parent.iterdir()), ["model"])

    def test_truncated_weights(self) -> None:
        weights = self.folder / artifact.WEIGHTS
        weights.write_bytes(weights.read_bytes()[:-1000])
        with self.assertRaises(ArtifactError) as raised:
            artifact.load(self.folder, sha256=self.sha256)
        self.assertNotEqual(raised.exception.expected, raised.exception.received)

    def test_another_files_hash(self) -> None:
        with self.assertRaisesRegex(ArtifactError, "expected meta.json with SHA-256 0000"):
            artifact.load(self.folder, sha256="0" * 64)

    def test_wrong_schema(self) -> None:
        path = self.folder / artifact.META
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
        with self.assertRaisesRegex(ArtifactError, "expected schema 1, received schema 99"):
            artifact.load(self.folder, sha256=None)

    def test_towers_go_with_the_model_and_are_told_of(self) -> None:
        self.assertIsNone(artifact.read_meta(self.folder)["towers"])
        folder, sha256, ranker = self.with_towers()
        told = {"schema": 1, "nearest": 30, "items": self.data.items.n, "size": 32}
        self.assertEqual(artifact.read_meta(folder)["towers"], told)
        back = artifact.load(folder, sha256=sha256)
        shoppers = histories(self.data.interactions, np.arange(20), self.data.shoppers.attributes)
        for size in (60, 1000):
            expected, found = (held.candidates(shoppers, newest(self.data), size=size) for held in (ranker, back))
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(found[1], expected[1])
        without = self.trained.ranker.candidates(shoppers, newest(self.data), size=1000)
        self.assertGreater(len(found[1]), len(without[1]))

    def test_a_model_made_before_there_were_towers_serves(self) -> None:
        path = self.folder / artifact.META
        meta = json.loads(path.read_text())
        del meta["towers"]
        del meta["model"]["fields"]["tables"]["fields"]["towers"]
        for name in ("tower_candidates", "tower_size"):
            del meta["model"]["fields"]["config"]["config"][name]
        path.write_text(json.dumps(meta))
        back = artifact.load(self.folder, sha256=None)
        self.assertIsNone(back.tables.towers)
        shoppers = histories(self.data.interactions, np.arange(20), self.data.shoppers.attributes)
        expected = self.trained.ranker.recommend(shoppers, newest(self.data), k=10)
        np.testing.assert_array_equal(back.recommend(shoppers, newest(self.data), k=10)[0], expected[0])

    def test_other_towers_are_refused(self) -> None:
        folder, _, _ = self.with_towers()
        path = folder / artifact.META
        good = path.read_text()

        def refused(expected: str, **changes: object) -> None:
            meta = json.loads(good)
            fields = meta["model"]["fields"]["tables"]["fields"]["towers"]["fields"]
            for name, value in changes.items():
                (meta if name == "towers" else fields)[name] = value
            path.write_text(json.dumps(meta))
            with self.assertRaisesRegex(ArtifactError, expected):
                artifact.load(folder, sha256=None)

        refused("expected towers of schema 1, received schema 2", schema=2)
        refused("expected the towers None", towers=None)
        refused(f"expected vectors of {self.data.items.n} items", bias={"array": "ranker.tables.towers.out.1"})

    def with_towers(self) -> tuple[Path, str, Ranker]:
        """The trained ranker with towers beside its tables, saved."""
        config = replace(self.trained.config, tower_candidates=30)
        weigh, now = self.trained.ranker.tables.weigh, newest(self.data)
        everyone = histories(self.data.interactions, np.arange(self.data.shoppers.n), {})
        p = fold(everyone, now, weigh, self.data.items.n)
        towers = tower_training.fit(self.data, now, weigh, p, config)
        ranker = replace(self.trained.ranker, tables=replace(self.trained.ranker.tables, towers=towers))
        folder = self.folder.with_name("with-towers")
        return folder, artifact.save(ranker, folder, {"items": self.items}), ranker

    def test_missing_file(self) -> None:
        (self.folder / artifact.WEIGHTS).unlink()
        with self.assertRaisesRegex(ArtifactError, "weights.npz"):
            artifact.load(self.folder, sha256=None)

    def test_only_classes_of_the_engine_can_be_named(self) -> None:
        path = self.folder / artifact.META
        meta = json.loads(path.read_text())
        meta["model"] = {"class": "..subprocess:Popen", "fields": {}}
        path.write_text(json.dumps(meta))
        with self.assertRaises(ArtifactError):
            artifact.load(self.folder, sha256=None)

    def test_loading_and_ranking_need_no_training_framework(self) -> None:
        self.folder, self.sha256, _ = self.with_towers()
        code = (
            "import sys, numpy as np; from pathlib import Path; from recommender.engine import artifact;"
            "from recommender.engine.interactions import Histories, Interactions;"
            f"r = artifact.load(Path({str(self.folder)!r}), sha256={self.sha256!r});"
            "e = Interactions(*(np.zeros(1, t) for t in 'i i d b f f f'.split()));"
            "r.recommend(Histories(np.array([0, 1]), e, {}), 1.0, k=5);"
            "bad = {'keras', 'tensorflow', 'jax', 'implicit', 'sklearn', 'django'} & set(sys.modules);"
            "assert not bad, bad"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
