"""Counting events: arithmetic on raw counter samples, and the sources that these come from."""
