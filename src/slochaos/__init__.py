"""Chaos engineering that ends every fault and prices it in error budget."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing `typing`: nothing is loaded before the command has taken over Ctrl-C
    from typing import Any

__version__ = "0.1.0"


def discover(discover_system: bool = True) -> Any:
    """For `chaos discover slochaos`, which looks for this function here. The extension is imported only then."""
    from importlib import import_module

    return import_module("slochaos.extension").discover(discover_system)
