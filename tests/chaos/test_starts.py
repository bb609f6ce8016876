from __future__ import annotations

from recommender.models import TrainingRun
from recsite.chaos import drill
from recsite.testing import CommittedCase


class StartsTest(CommittedCase):
    def test_of_200_trainings_started_at_once_one_runs(self) -> None:
        verdict = drill.start_many()
        self.assertTrue(verdict.kept, verdict)
        self.assertEqual(TrainingRun.objects.count(), 1)
