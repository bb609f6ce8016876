"""The views of the shop's door, one module a subject."""
