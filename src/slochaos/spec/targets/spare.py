"""How many members of a group have to stay untouched."""

from __future__ import annotations

from slochaos.spec.fields import Section


def read_spare(section: Section) -> int:
    """`spare` of an entry; none when nothing is said. Raises InvalidInput."""
    return section.get("spare", lambda each: each.whole(0, 10_000), 0)
