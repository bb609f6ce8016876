from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "recsite.api"
    label = "api"

    def ready(self) -> None:
        from recsite.api import schema  # noqa: F401 - registers itself
