"""Chaos Toolkit's face of slochaos: actions and probes. No logic of its own: the guard injects, measurement counts."""

from __future__ import annotations

from typing import Any

__all__ = ["discover"]


def discover(discover_system: bool = True) -> Any:  # noqa: ARG001 - chaoslib's signature
    """What `chaos discover slochaos` lists."""
    from chaoslib.discovery.discover import discover_actions, discover_probes, initialize_discovery_result

    from slochaos import __version__

    found = initialize_discovery_result("slochaos", __version__, "slochaos")
    found["activities"].extend(discover_actions("slochaos.extension.actions"))
    found["activities"].extend(discover_probes("slochaos.extension.probes"))
    return found
