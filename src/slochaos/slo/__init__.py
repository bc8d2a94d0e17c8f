"""Evaluating objectives against a source without a run. Never prints; decides nothing about runs."""
