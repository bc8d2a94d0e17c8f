"""The one objective of the tests' small systems, and the metrics page on which its orders are counted."""

from __future__ import annotations

OBJECTIVES = """\
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {description: A shop}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: orders}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{duration: 1d, isRolling: true}]
  indicator:
    metadata: {name: orders-good}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: prometheus, spec: {selector: 'orders_total{outcome="good"}'}}}
        total: {metricSource: {type: prometheus, spec: {selector: 'orders_total'}}}
  objectives: [{displayName: orders, target: 0.99}]
"""


def orders_page(started: float, good: int, bad: int) -> bytes:
    """The counters of a service that started at an epoch second, as its metrics page shows them."""
    return (
        f"# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n"
        f'# TYPE orders_total counter\norders_total{{outcome="good"}} {good}\n'
        f'orders_total{{outcome="bad"}} {bad}\n'
    ).encode()
