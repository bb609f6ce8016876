"""``manage.py bench``: figures of this machine, each beside a reference of the same run: ratios travel, times do not.

One module a subject, each with ``run(seconds) -> list[Figure]``. What a benchmark writes carries the source ``bench``
and is removed at its end (and, after a crash, at the beginning of the next).
"""
