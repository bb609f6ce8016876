"""The addresses of rules, under ``/rules/``. What is posted to ``undo`` and ``move`` is named by the address alone, so
that a toast's Undo is one button."""

from django.urls import URLPattern, path, register_converter

from recsite.dashboard.rule_acts import STATES
from recsite.dashboard.views.rule import rule, rule_delete, rule_do, rule_fix, rule_move, rule_new, rule_undo
from recsite.dashboard.views.rules import bulk, history, overlap_accept, overlap_withdraw, rule_terms, rules


class OneOf:
    """A word of the address; the others are not found."""

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Way(OneOf):
    regex = "up|down"


class State(OneOf):
    regex = "|".join(STATES)


class Ids:
    """Numbers of rules in one word: ``4-7``."""

    regex = r"\d{1,9}(?:-\d{1,9})+"

    def to_python(self, value: str) -> tuple[int, ...]:
        return tuple(int(part) for part in value.split("-"))

    def to_url(self, value: str) -> str:
        return value


register_converter(Ids, "rule_ids")
register_converter(Way, "way")
register_converter(State, "rule_state")

urlpatterns: list[URLPattern] = [
    path("", rules, name="rules"),
    path("new/", rule_new, name="rule-new"),
    path("history/", history, name="rules-history"),
    path("terms/", rule_terms, name="rule-terms"),
    path("overlaps/<slug:code>/<rule_ids:ids>/accept/", overlap_accept, name="overlap-accept"),
    path("overlaps/<slug:code>/<rule_ids:ids>/withdraw/", overlap_withdraw, name="overlap-withdraw"),
    path("bulk/<rule_state:do>/", bulk, name="rules-bulk"),
    path("<int:pk>/", rule, name="rule"),
    path("<int:pk>/do/", rule_do, name="rule-do"),
    path("<int:pk>/fix/", rule_fix, name="rule-fix"),
    path("<int:pk>/move/<way:way>/", rule_move, name="rule-move"),
    path("<int:pk>/undo/<int:version>/", rule_undo, name="rule-undo"),
    path("<int:pk>/delete/", rule_delete, name="rule-delete"),
]
