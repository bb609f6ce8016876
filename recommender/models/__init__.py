"""The rows of the recommender: jobs, what serves, what steers lists, what was served and what came of it."""

from recommender.models.feedback import ExperimentDay, FeedbackDay, FeedbackProgress
from recommender.models.jobs import Job, TrainingPlan, TrainingRun, Tuning
from recommender.models.serving import Generation, ServedList, ShadowList, Switch
from recommender.models.setup import SetupStep
from recommender.models.steering import AcceptedOverlap, Experiment, Placement, Rule, RuleVersion

__all__ = [
    "AcceptedOverlap",
    "Experiment",
    "ExperimentDay",
    "FeedbackDay",
    "FeedbackProgress",
    "Generation",
    "Job",
    "Placement",
    "Rule",
    "RuleVersion",
    "ServedList",
    "SetupStep",
    "ShadowList",
    "Switch",
    "TrainingPlan",
    "TrainingRun",
    "Tuning",
]
