"""Faults of this host: its CPU, its memory, its disks."""
