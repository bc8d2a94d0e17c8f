"""Faults of this host's processes."""
