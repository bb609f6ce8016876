"""One file of settings, read from the environment with loud errors.

Every name that a shop may set is listed in README.md, "Settings".
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from recsite import logs

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def _data_dir() -> Path:
    return Path(env.str("RECSITE_DATA_DIR", default=str(BASE_DIR / ".local"))).expanduser().resolve()


def _secret_key(folder: Path) -> str:
    """The signing key: from the environment, else made once and kept at mode 0600."""
    if key := env.str("SECRET_KEY", default=""):
        return key
    file = folder / "secret_key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = folder / f"secret_key.{os.getpid()}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):  # of several processes the first one makes it
            os.link(aside, file)
        aside.unlink()
    return file.read_text()


def _refuse(name: str, expected: str, value: str) -> NoReturn:
    raise ImproperlyConfigured(f"{name}: expected {expected}, got {value!r}")


def _flag(name: str) -> bool:
    text = env.str(name, default="false")
    if text.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        _refuse(name, "true or false", text)
    return text.lower() in ("true", "1", "yes", "on")


def _number(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    text = env.str(name, default=str(default))
    if not (text.isdecimal() and least <= int(text) and (most is None or int(text) <= most)):
        _refuse(name, f"a number from {least} to {most}" if most else f"a whole number of {least} or more", text)
    return int(text)


def _matching(name: str, default: str, pattern: str, expected: str) -> str:
    text = env.str(name, default=default)
    if not re.fullmatch(pattern, text):
        _refuse(name, expected, text)
    return str(text)


def _address(name: str, default: str, *schemes: str) -> str:
    """An address with one of the schemes. A refused one is not repeated: there may be a password in it."""
    text = env.str(name, default=default)
    if text.partition("://")[0] not in schemes:
        _refuse(name, " or ".join(f"{scheme}://…" for scheme in schemes), f"{text.partition(':')[0]}:…")
    return str(text)


def _time_zone(name: str) -> str:
    text = env.str(name, default="UTC")
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        _refuse(name, "a name such as Europe/Berlin", text)
    return str(text)


DATA_DIR = _data_dir()
MODEL_DIR = Path(env.str("MODEL_DIR", default=str(DATA_DIR / "models"))).expanduser()
# The compiled loops of the ranker are cached beside their source, where that can be written.
if not os.access(BASE_DIR / "recommender" / "engine", os.W_OK):
    os.environ.setdefault("NUMBA_CACHE_DIR", str(DATA_DIR / "compiled"))
SECRET_KEY = _secret_key(DATA_DIR)
DEBUG = _flag("DEBUG")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ORIGINS = env.list("CORS_ORIGINS", default=["*"])  # for publishable keys only; secret keys never get CORS

HOST = env.str("HOST", default="127.0.0.1")  # where demo and up listen
PORT = _number("PORT", 8000, least=1, most=65_535)

# --- The shop ---
SHOP_NAME = env.str("SHOP_NAME", default="Corner Shop")
SHOP_CURRENCY = _matching("SHOP_CURRENCY", "USD", "[A-Z]{3}", "three letters such as USD")
SHOP_TIME_ZONE = _time_zone("SHOP_TIME_ZONE")
# Who knows the time zone that is in force (an admin may have set another one in the dashboard): profiles are folded by
# an app that may not import the dashboard, so it is named here.
SHOP_ZONE = "recsite.dashboard.shop.current_zone"
EVENT_RETENTION_DAYS = _number("EVENT_RETENTION_DAYS", 0)  # 0: keep all

INSTALLED_APPS = [
    "recsite.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_celery_beat",
    "django_prometheus",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "csp",
    "catalog",
    "behavior",
    "recommender",
    "recsite.apps.RecsiteConfig",
    "recsite.api",
    "recsite.dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "recsite.api.gate.ApiGate",  # what is under /api/v1/ turns off here
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEST_RUNNER = "recsite.testing.Runner"
ROOT_URLCONF = "recsite.urls"
WSGI_APPLICATION = "recsite.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "recsite.dashboard.navigation.console",
            ],
        },
    },
]

# --- State: the shop's own servers, or the embedded ones that manage.py puts into the environment ---
_address("DATABASE_URL", "postgres://", "postgres", "postgresql")
DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://shop@127.0.0.1:5432/shop")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": _number("DATABASE_CONN_MAX_AGE", 60),
    "CONN_HEALTH_CHECKS": True,
}
REDIS_URL = _address("REDIS_URL", "redis://127.0.0.1:6379/0", "redis", "rediss", "unix")
REDIS_PREFIX = env.str("REDIS_PREFIX", default="rs")  # of every key that recommender.store writes
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
KEEP_COUNTS = True  # what takes a page too long is kept for minutes (recsite.dashboard.kept); tests count always

# --- People ---
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
OTP_ADMIN_HIDE_SENSITIVE_DATA = True  # no key of a second factor in Django's admin
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"

# --- Web ---
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step before the first page
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
BEHIND_TLS = _flag("BEHIND_TLS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = BEHIND_TLS
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "https:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
UPLOAD_MAX_MIB = _number("UPLOAD_MAX_MIB", 512, least=1)  # of a file that is imported on the Data page

# --- The API's door ---
WEB_PROCESSES = _number("WEB_PROCESSES", 2, least=1)  # that share a key's rate
WEB_THREADS = _number("WEB_THREADS", 8, least=2)  # of each process
# Of a process's threads, how many may be storing events: recommendations keep the others.
API_EVENT_SLOTS = max(1, WEB_THREADS * 3 // 4)
API_EVENT_QUEUE = max(1, WEB_THREADS // 4)  # more may wait for one of those, on threads beside
API_RATES = {  # requests a second of one key, twice that at once
    "secret": _number("API_SECRET_KEY_RATE", 4000, least=1),
    "publishable": _number("API_PUBLISHABLE_KEY_RATE", 1000, least=1),
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["recsite.api.auth.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["recsite.api.auth.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["recsite.api.rendering.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["recsite.api.rendering.OrjsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "recsite.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Recsite",
    "VERSION": "1",
    "DESCRIPTION": "Events in, recommendations out.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
}

# --- Workers ---
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_CREATE_MISSING_QUEUES = False
# Each with a key of its own: without one, all three would be bound by the default key and get every message.
CELERY_TASK_QUEUES = [Queue(name, Exchange("recsite"), routing_key=name) for name in ("default", "refresh", "train")]
CELERY_TASK_DEFAULT_EXCHANGE = "recsite"
CELERY_TASK_DEFAULT_ROUTING_KEY = "default"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # No heartbeat renews the stamp, so no task may be long: training is a child process that a task only starts.
    "visibility_timeout": 60,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 10,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "global_keyprefix": f"{REDIS_PREFIX}:celery:",
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "reconcile": {"task": "recommender.tasks.reconcile", "schedule": schedule(15.0), "options": {"queue": "default"}},
    "publish-availability": {
        "task": "recommender.tasks.publish_availability",
        "schedule": schedule(2.0),
        "options": {"queue": "default", "expires": 4},
    },
    "store-served-lists": {
        "task": "recommender.tasks.store_served_lists",
        "schedule": schedule(2.0),
        "options": {"queue": "default", "expires": 4},
    },
    "refresh-profiles": {
        "task": "recsite.tasks.refresh_profiles",
        "schedule": schedule(30.0),
        "options": {"queue": "default", "expires": 30},
    },
    "mend-imports": {
        "task": "recsite.tasks.mend_imports",
        "schedule": schedule(15.0),
        "options": {"queue": "default", "expires": 15},
    },
    "go-on-erasing": {
        "task": "recsite.tasks.go_on_erasing",
        "schedule": schedule(30.0),
        "options": {"queue": "default", "expires": 30},
    },
    "start-due-training": {
        "task": "recsite.tasks.start_due_training",
        "schedule": schedule(60.0),
        "options": {"queue": "default", "expires": 60},
    },
    "start-signalled-training": {
        "task": "recommender.tasks.start_signalled_training",
        "schedule": schedule(900.0),
        "options": {"queue": "default", "expires": 900},
    },
    "score-shadow": {
        "task": "recommender.tasks.score_shadow",
        "schedule": schedule(60.0),
        "options": {"queue": "default", "expires": 60},
    },
    "prune-artifacts": {
        "task": "recommender.tasks.prune_artifacts",
        "schedule": schedule(3600.0),
        "options": {"queue": "default", "expires": 3600},
    },
    "count-feedback": {
        "task": "recsite.tasks.count_feedback",
        "schedule": schedule(30.0),
        "options": {"queue": "default", "expires": 30},
    },
}

# --- Logs: one JSON line an entry, with the request's id ---
LOG_LEVEL = _matching(
    "LOG_LEVEL", "INFO", "DEBUG|INFO|WARNING|ERROR|CRITICAL", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
)
LOGGING: dict[str, Any] = logs.configure(
    level=LOG_LEVEL, form=_matching("LOG_FORMAT", "json", "json|plain", "json or plain")
)
