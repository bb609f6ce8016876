from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "recsite.api"
    label = "api"

    def ready(self) -> None:
        from recommender import live
        from recsite.api import (
            patience,
            schema,  # noqa: F401 - registers itself
        )

        live.ask = lambda question: patience.attempt(question, otherwise=())
