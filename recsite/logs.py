"""One JSON line an entry, with the request's id, from structlog and from the standard library alike."""

from __future__ import annotations

from typing import Any

import orjson
import structlog


def _json(entry: Any, **_: Any) -> str:
    return orjson.dumps(entry, default=repr).decode()


def configure(*, level: str, form: str) -> dict[str, Any]:
    """Set structlog up and return Django's ``LOGGING``. ``form``: "json", or "plain" for a terminal."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # A trace without the variables of its frames: those may hold what a shopper did.
    endings = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *endings],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"entry": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "entry"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.security.DisallowedHost": {"level": "ERROR"},
            "django.request": {"level": "ERROR"},  # refusals are logged once, by the API's gate
            "axes": {"level": "WARNING"},
            # A line for each beat and each task that went well, several a second; what went wrong is louder.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }
