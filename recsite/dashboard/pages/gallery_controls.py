"""The gallery's controls: actions, badges, filters, fields, what is found."""

from __future__ import annotations

from recsite.dashboard import components as c
from recsite.dashboard.pages.gallery_goods import good


def actions(address: str) -> list[c.Action]:
    return [
        c.Action("Primary", address, "primary"),
        c.Action("Default", address),
        c.Action("Quiet", address, "quiet"),
        c.Action("Destructive", address, "danger"),
        c.Action("Disabled", address, disabled=True, hint="Another run is training"),
        c.Action("In a card", address, small=True),
    ]


def badges() -> list[c.Badge]:
    return [
        c.Badge("serving", "good"),
        c.Badge("draft", "accent"),
        c.Badge("thin", "warn"),
        c.Badge("refused", "bad"),
        c.Badge("retired"),
        c.SIMULATED,
    ]


def segments(address: str) -> c.Segments:
    return c.Segments(
        "What sells",
        [c.Segment("Risers", address, True), c.Segment("Top sellers", address), c.Segment("Fallers", address)],
    )


def filters(address: str) -> c.FilterBar:
    return c.FilterBar(
        address,
        "bread",
        "Filter rules by name or product",
        [
            c.Select("placement", "Placement", [c.Option("", "Any placement", True), c.Option("home", "Home")]),
            c.Select("state", "State", [c.Option("", "Live, draft, scheduled", True), c.Option("ended", "Ended")]),
        ],
        "10 of 10 rules",
        address,
    )


def fields() -> list[c.Field | c.Checks]:
    return [
        c.Field("shop", "Shop", "Corner Shop", hint="Shown at the top of every page."),
        c.Field(
            "currency",
            "Currency",
            "EURO",
            error="expected an ISO 4217 code such as EUR; received “EURO”",
            suggestions=[c.Option("EUR", "Euro")],
        ),
        c.Checks("may", "What it may do", [c.Option("a", "Post events", True), c.Option("b", "Ask for lists")]),
    ]


def found(address: str) -> c.SearchResults:
    options = [
        c.SearchOption(
            "1",
            c.pieces("White bread · 20 oz", "white br"),
            "Own brand · $1.29 · № 883404 · sold 319",
            address,
            good("White bread", "s"),
        ),
        c.SearchOption(
            "2",
            c.pieces("Whole white bread · 24 oz", "white br"),
            "National brand · $1.99 · № 951590",
            address,
            good("Hamburger buns", "s"),
        ),
    ]
    return c.SearchResults("gallery-found", [c.SearchGroup("Products", options)], summary="2 of 68,509")
