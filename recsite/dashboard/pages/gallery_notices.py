"""What the gallery says: notices, progress, what is empty, what is asked first."""

from __future__ import annotations

from recsite.dashboard import components as c
from recsite.dashboard.pages.gallery_goods import good


def progress() -> c.Progress:
    return c.Progress(
        "Run 31",
        0.63,
        [
            c.Step("Read 1,437,911 lines", "done"),
            c.Step("Clean", "done"),
            c.Step("Profiles and features", "done"),
            c.Step("Train, epoch 12 of 20", "current"),
            c.Step("Measure"),
            c.Step("Gate"),
        ],
        left=110,
        facts=("41,300 rows/s", "CPU, 8 cores", "2.1 GB memory"),
        silent=12,
    )


def start() -> c.Progress:
    return c.Progress(
        "Getting the shop ready",
        0.58,
        [
            c.Step("Database is ready", "done", "1.2 s"),
            c.Step("Products read", "done", "68,509 of 68,509"),
            c.Step("Purchases read", "done", "1,469,307 lines, 31,396 rejected"),
            c.Step("Shopper profiles", "current", "1,580 of 2,469", 0.64),
            c.Step("First model", "waiting", "starts in about 20 s"),
            c.Step("Shop simulation", "failed", "stopped at 14:02"),
        ],
        left=75,
        tall=True,
        started="started 14:00:12",
    )


def notices(address: str) -> list[c.Notice]:
    return [
        c.Notice(
            "Two rules want position 1 on Home from 18 to 24 Dec.",
            "“Holiday baking” is 5th in order and live; your draft “Own-brand bread” is 4th and would win. "
            "Sugar · 4 lb would move to position 2.",
            "warn",
            [
                c.Action("Move the draft to position 2", address, small=True, post=True),
                c.Action("Start on 25 Dec instead", address, small=True, post=True),
                c.Action("Let the draft win", address, "quiet", small=True, post=True),
            ],
        ),
        c.Notice(
            "Run 30 stopped at epoch 4: out of memory at 8 GB.",
            "Model 14 goes on serving. A batch of 2,048 instead of 8,192 needs about 3 GB.",
            "bad",
            [
                c.Action("Retry with 2,048", address, small=True, post=True),
                c.Action("Open log", address, "quiet", small=True),
            ],
        ),
        c.Notice(
            "You can already look at products.", "Recommendations are best sellers until the first model is ready."
        ),
        c.Notice("Model 15 is published.", "It serves since 14:02:07.", "good"),
    ]


def empty(address: str) -> c.EmptyState:
    return c.EmptyState(
        "No rules yet",
        "Shoppers see what the model chose. Pin a product for next week, or keep one off the home page: "
        "you see the list change before anything goes live.",
        [c.Action("New rule", address, "primary"), c.Action("Try it in Preview", address)],
        [good("White bread"), good("Strawberries"), good("Soft drink cans")],
    )


def nothing(address: str) -> c.Nothing:
    return c.Nothing(
        "No clicks between 6 and 12 Nov",
        "Home was shown 4,102 times, so this is a real 0 %. Recently viewed was never shown: that is no data.",
        [
            c.Action("Widen to 28 days", address, small=True),
            c.Action("Clear filters", address, "quiet", small=True),
        ],
    )


def dialog(address: str) -> c.Dialog:
    return c.Dialog(
        "erase",
        "Erase shopper 2124?",
        "1,312 purchase lines, the profile and 7 cached lists go now. The model forgets with the next retrain. "
        "This cannot be undone.",
        address,
        "Erase",
        type_this="2124",
        cancel_href=address,
    )


def findings(address: str) -> c.Findings:
    return c.Findings(
        [
            c.Finding(
                "Two rules want position 1 on Home",
                "“Holiday baking” and “Own-brand bread” overlap",
                "Resolve",
                address,
                "bad",
            ),
            c.Finding(
                "32.1 % lack a package size", "Price-per-unit reasons are off for them", "See products", address, "warn"
            ),
            c.Finding("Model 15 is waiting for your decision", "Gate passed; coverage is lower", "Compare", address),
        ]
    )


def facts(address: str) -> c.Facts:
    return c.Facts(
        [
            c.Fact("Category", "Bread, buns and rolls"),
            c.Fact("Package size", "20 oz"),
            c.Fact("Margin", "", "Margin rules skip it", tone="warn"),
            c.Fact("Tags", "", "Add tags", address),
        ]
    )
