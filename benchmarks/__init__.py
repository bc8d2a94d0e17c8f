"""Benchmarks: each measures a ratio against a peer, or a limit, within one run."""
