"""Toxicity: the share of connections that a toxic hits, of which a small pool may have none."""

from __future__ import annotations

from collections.abc import Iterator

from slochaos.spec.findings import Finding
from slochaos.spec.toxics import ToxicPreset
from slochaos.wording import percent

POOLS = (2, 5, 10)
"""Connections of common pools."""


def small_pool(preset: ToxicPreset) -> Iterator[Finding]:
    """`toxicity-small-pool`: drawn once per connection, and pools keep their connections."""
    for toxic in preset.toxics:
        if toxic.toxicity >= 1:
            continue
        chances = ", ".join(f"{percent((1 - toxic.toxicity) ** size)} of {size}" for size in POOLS)
        yield Finding(
            "toxicity-small-pool",
            "warning",
            str(preset.path),
            toxic.line,
            f"{preset.name}: toxicity {toxic.toxicity:g} is drawn once per connection, not per request: "
            f"the chance that it hits none is {chances} connections",
            "toxicity 1, or a client that opens a connection per request",
        )
