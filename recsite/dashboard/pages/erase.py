"""Before a person is erased: what goes, what stays, and their id typed."""

from __future__ import annotations

from behavior.models import Erasure, Shopper
from recsite import erasure
from recsite.dashboard import numbers
from recsite.dashboard.addresses import page, shopper_url
from recsite.dashboard.components import Dialog
from recsite.dashboard.pages.shopper import name_of

WORDS = {"events": "event", "answered_lists": "answered list", "stored_lists": "stored list"}


def dialog(shopper: Shopper) -> Dialog:
    """Asks; nothing of it can be undone."""
    visitors = shopper.merged.count()
    with_whom = f", with {numbers.plural(visitors, 'visitor')} they were before they logged in" if visitors else ""
    return Dialog(
        "erase",
        f"Erase {name_of(shopper)}?",
        f"All of it goes{with_whom}, from the database, from Redis and from stored lists: what they told, their "
        "events, profile and lists. It cannot be undone. Counts of feedback stay, without a name in them. What the "
        "shop posts of them from now on makes them known anew.",
        page("erase", shopper.kind, shopper.external_id),
        "Erase for good",
        type_this=shopper.external_id,
        cancel_href=shopper_url(shopper),
    )


def told(made: Erasure) -> str:
    """The receipt in a sentence; without the id, which nothing knows any more."""
    counts = [numbers.plural(made.erased[name], word) for name, word in WORDS.items() if made.erased.get(name)]
    gone = ", ".join(counts) if counts else "nothing more than the id"
    files = len(erasure.receipt_of(made)["files_not_searched"])
    kept = f" {numbers.plural(files, 'imported file')} may name them until removed (Data)." if files else ""
    if made.completed_at is None:
        after = "A part that does not answer just now follows within a minute."
    else:
        after = "Looked for afterwards, nothing was found."
    return f"Erased: {gone}. {after} Receipt {made.receipt}.{kept}"
