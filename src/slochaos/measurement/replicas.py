"""Replica labels: the same events seen twice, by highly available Prometheus pairs or without deduplication."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.measurement.selection import Child


def replica_label(children: Iterable[Child]) -> str:
    """The label that makes copies of series look like more series; empty if there is none.

    A label counts as one when its name says replica and two series differ in nothing else.
    """
    known = list(children)
    names = {name for _, labels in known for name, _ in labels if "replica" in name}
    for name in sorted(names):
        without = {(family, tuple(pair for pair in labels if pair[0] != name)) for family, labels in known}
        if len(without) < len(known):
            return name
    return ""
