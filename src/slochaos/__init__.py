"""Chaos engineering that ends every fault and prices it in error budget."""

__version__ = "0.1.0"
