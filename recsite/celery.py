"""The Celery application. Tasks live in each app's ``tasks.py``, its settings in ``recsite/settings.py``."""

import os
import signal
import warnings

from celery import Celery, signals
from celery.platforms import SecurityWarning

from recsite.local_services import processes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsite.settings")
# It warns of root because of pickled messages; ours are JSON and nothing else is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)

#: The worker; its children come to be by fork, and have this from it.
_WORKER = os.getpid()

app = Celery("recsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_the_logging_of_the_settings(**_: object) -> None:
    """Having a receiver is what keeps Celery from setting handlers and levels of its own."""


@signals.worker_process_init.connect
def die_with_the_worker(**_: object) -> None:
    """A child of a worker that was killed must not go on with a task that is handed to another."""
    processes.die_with(_WORKER, signal.SIGKILL)
