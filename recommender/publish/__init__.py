"""A generation: score every shopper in batches, write the lists aside, check them, switch.

1. the rows of ``Generation`` and, step by step, the files under MODEL_DIR and the keys in Redis (with a TTL);
2. a sample is read back and compared;
3. the manifest is written: from here on the generation is whole;
4. in one transaction, fenced by the run: ``Switch`` gets its next number;
5. the pointer in Redis moves to it by compare-and-set.

Killed before 4, the old generation serves on and the half-built one dies by its TTL. The pointer moves only once 4 is
committed, so nobody is served by a row that was rolled back; killed between 4 and 5, the reconciler moves the pointer.
A Redis that is down stops nothing: the lists are on disk and are put there later.
"""

from recommender.publish.keeping import remove_lists, republish, retire_old
from recommender.publish.making import POOL, BadGeneration, make, pack_pool, publish, score
from recommender.publish.pointers import mend_pointer, move_pointer, pointer_of, written_pointer
from recommender.publish.switching import StaleRun, switch_to
from recommender.queries import serving

__all__ = [
    "POOL",
    "BadGeneration",
    "StaleRun",
    "make",
    "mend_pointer",
    "move_pointer",
    "pack_pool",
    "pointer_of",
    "publish",
    "remove_lists",
    "republish",
    "retire_old",
    "score",
    "serving",
    "switch_to",
    "written_pointer",
]
