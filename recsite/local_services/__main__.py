"""``python -m recsite.local_services DATA_DIR [--temporary] [--fast]``: the keeper process."""

import sys
from pathlib import Path

from recsite.local_services.keeper import keep

if __name__ == "__main__":
    keep(Path(sys.argv[1]), temporary="--temporary" in sys.argv[2:], fast="--fast" in sys.argv[2:])
