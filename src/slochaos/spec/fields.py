"""Checked reading of a document: every wrong value becomes one message with file, line and path."""

from __future__ import annotations


class Field:
    """One value of a document, to be read as what it has to be."""
