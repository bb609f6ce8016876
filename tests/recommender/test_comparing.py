"""How far the stored lists of two runs agree, by lists with a known answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recommender import artifacts, comparing, dataset, generations, packing
from recommender.generations import Manifest
from recommender.models import Generation, TrainingRun
from recommender.packing import StoredList
from tests.goods import NEWEST
from tests.recommender.test_publish import PublishCase


def store_lists(lists: Mapping[str, Sequence[int]], *, run: TrainingRun | None = None) -> TrainingRun:
    """A run whose ready generation holds ``lists``: by subject, item codes of the catalogue as it is now."""
    run = run or TrainingRun.objects.create(status="succeeded", artifact="x")
    vocabulary = dataset.read().vocabulary
    folder = f"runs/{run.pk}/model"
    artifacts.path(folder).mkdir(parents=True, exist_ok=True)
    vocabulary.save(artifacts.path(folder))
    made = Generation.objects.create(run=run, model_name="deep", as_of=NEWEST, status=Generation.Status.READY)
    writer = generations.Writer(made.pk)
    for subject, codes in lists.items():
        ranked = np.array(codes, np.int32)
        pool = packing.pack_list(StoredList(ranked, -np.arange(len(ranked), dtype=np.float32), 0.0))
        writer.add(subject, pool, b"")
    manifest = Manifest(
        made.pk, run.pk, "deep", folder, "", vocabulary.digest, NEWEST.timestamp(), 0.0, len(lists), 0, 10
    )
    writer.close(manifest)
    Generation.objects.filter(pk=made.pk).update(manifest=manifest.to_dict())
    return run


class OverlapTest(PublishCase):
    def test_a_known_answer(self) -> None:
        ten = list(range(10))
        left = store_lists({"s:s0": ten, "s:s1": ten, "s:s2": ten, "s:only": ten})
        right = store_lists({"s:s0": ten, "s:s1": [*range(1, 10), 0], "s:s2": list(range(10, 20))})
        found = comparing.overlap(left, right)
        assert found is not None
        self.assertEqual(found.shoppers, 3)
        self.assertAlmostEqual(found.share, 2 / 3)
        self.assertAlmostEqual(found.same, 1 / 3)
        # s0: nothing moves; s1: nine move by one, one by nine; s2 shares nothing.
        moved = found.moved
        assert moved is not None
        self.assertAlmostEqual(moved, (0 * 10 + 9 * 1 + 9) / 20)
        self.assertAlmostEqual(found.se, float(np.std([1, 1, 0], ddof=1) / np.sqrt(3)))
        self.assertEqual([(pair.subject, pair.share) for pair in found.shown], [("s:s2", 0), ("s:s0", 1), ("s:s1", 1)])
        ids = dataset.read().vocabulary.product_ids
        self.assertEqual(found.shown[0].right, tuple(ids[10:20].tolist()))

    def test_lists_that_are_gone_are_no_zero(self) -> None:
        left = store_lists({"s:s0": [1, 2]})
        self.assertIsNone(comparing.overlap(left, TrainingRun.objects.create(status="succeeded")))
        other = store_lists({"s:s9": [1, 2]})
        self.assertIsNone(comparing.overlap(left, other), "nobody has both")
        generations.remove(Generation.objects.get(run=other).pk)
        self.assertIsNone(comparing.overlap(left, other))

    def test_another_vocabulary_is_not_read_as_this_one(self) -> None:
        left, right = store_lists({"s:s0": [1, 2]}), store_lists({"s:s0": [1, 2]})
        generation = Generation.objects.get(run=right)
        path = generations.folder_of(generation.pk) / generations.MANIFEST
        path.write_text(path.read_text().replace(dataset.read().vocabulary.digest, "0" * 64))
        self.assertIsNone(comparing.overlap(left, right))
