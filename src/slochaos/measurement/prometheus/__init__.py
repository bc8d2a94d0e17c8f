"""The Prometheus source: Prometheus itself, Thanos, Mimir, by the HTTP API that they share.

`server` asks, `pages` puts raw samples back together as the pages that were scraped, `evaluation` counts
them with measurement's one way of counting. All instants here are epoch seconds by the *server's* timestamps.
"""
