"""The WSGI application that the web server loads."""

import multiprocessing
import os
import signal
import threading

from django.core.wsgi import get_wsgi_application

from recsite import web_metrics
from recsite.local_services import processes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsite.settings")
if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
    # A worker of a web server whose parent was killed would keep the port from the next one. Whose child this is now
    # says nothing: the parent may have been killed while this process started.
    processes.die_with(parent.pid, signal.SIGKILL)

# Before anything counts: the web processes add up what they count through files.
web_metrics.share()

application = get_wsgi_application()

from recsite import warming  # noqa: E402  # its models need the applications

warming.get_ready()
threading.Thread(target=warming.warm, daemon=True, name="warm").start()
