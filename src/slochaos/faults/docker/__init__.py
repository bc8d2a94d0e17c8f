"""Faults of Docker containers, through the API of their daemon."""
