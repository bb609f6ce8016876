"""Tasks handed to the workers, where the broker takes them."""

from __future__ import annotations

import logging
from typing import Any

from kombu.exceptions import OperationalError as BrokerError

log = logging.getLogger(__name__)


def send(task: Any, *arguments: object, queue: str) -> bool:
    """Whether the broker took it; what it did not take the reconciler finds."""
    try:
        task.apply_async(arguments, queue=queue, retry=False)
    except (BrokerError, OSError) as error:
        log.warning("%s was not sent: %s", task.name, error)
        return False
    return True
