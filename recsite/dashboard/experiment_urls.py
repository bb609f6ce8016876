"""The addresses of experiments, under ``/experiments/``."""

from django.urls import URLPattern, path

from recsite.dashboard.views.experiment import experiment, experiment_end
from recsite.dashboard.views.experiments import experiment_new, experiments

urlpatterns: list[URLPattern] = [
    path("", experiments, name="experiments"),
    path("new/", experiment_new, name="experiment-new"),
    path("<slug:slug>/", experiment, name="experiment"),
    path("<slug:slug>/end/", experiment_end, name="experiment-end"),
]
