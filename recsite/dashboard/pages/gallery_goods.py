"""The gallery's made-up shelf: one product for each drawing."""

from __future__ import annotations

from recsite.dashboard.tiles import Tile, tile

# Title, category, size: one for each of the 23 drawings.
GOODS: tuple[tuple[str, str, str], ...] = (
    ("White bread", "Bakery > Bread", "20 oz"),
    ("White milk", "Dairy > Milk", "1 gal"),
    ("Bananas", "Produce > Tropical fruit", "loose"),
    ("Lean beef mince", "Meat > Beef", ""),
    ("Soft drink cans", "Drinks > Soft drinks", "12 × 12 oz"),
    ("Red grapes", "Produce > Grapes", "loose"),
    ("Family cereal", "Pantry > Cold cereal", "22 oz"),
    ("Sweet corn, canned", "Pantry > Vegetables, shelf stable", "15.25 oz"),
    ("Tortilla chips", "Snacks > Bag snacks", "12.5 oz"),
    ("Large eggs", "Dairy > Eggs", "1 dozen"),
    ("Yogurt cup", "Dairy > Yogurt", "6 oz"),
    ("Frozen pizza", "Frozen > Frozen pizza", "21.35 oz"),
    ("Grape tomatoes", "Produce > Tomatoes", "1 pt"),
    ("Blueberries", "Produce > Berries", "4.4 oz"),
    ("Cantaloupe", "Produce > Melons", "whole"),
    ("Spinach", "Produce > Salad", "1 lb"),
    ("Paper towels", "Household > Paper towels", "83 sq ft"),
    ("Hand soap", "Household > Soap", "12 oz"),
    ("Baby food junior", "Baby > Baby foods", "1 oz"),
    ("Orange juice", "Drinks > Juices", "64 oz"),
    ("Strawberries", "Produce > Berries", "16 oz"),
    ("Hamburger buns", "Bakery > Buns", "12 oz"),
    ("Coffee creamer", "Dairy > Creamers", "16 oz"),
    ("Gala apples", "Produce > Apples", "loose"),
    ("Sushi", "Deli > Sushi", ""),
)


def good(name: str, size: str = "m") -> Tile:
    """The tile of one of ``GOODS``."""
    title, category, label = next(entry for entry in GOODS if entry[0] == name)
    return tile(key=title, title=title, category=category, label=label, size=size)
