"""Breaks a running shop on purpose and checks what it promises (``manage.py chaos``).

``history`` records what clients sent and got and judges it; ``clients`` send and ask; ``faults`` break things;
``shop`` is a made-up shop in a folder of its own; ``drill`` runs them together.
"""
