"""The synthetic prober: user journeys at a constant rate, uptime checks, key SQL queries.

Its own process (`python -m slochaos.prober`). It measures as a user would, from outside, and says apart what
it failed to send itself: that is its own failure, not the API's.
"""
