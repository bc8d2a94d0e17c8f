"""Metrics as well-known frameworks expose them: the same traffic in the words of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.known_targets import KnownTarget

GOOD, REFUSED, FAILED = 900, 80, 20
"""Requests by what became of them."""

SLOW = 50
"""How many of the good ones took longer than any bucket; all others took no time."""

HTTP_CODES = ("200", "404", "503")
SECONDS = ("0.1", "0.25", "0.5", "1.0")
MILLISECONDS = ("100", "250", "500", "1000")


@dataclass(frozen=True)
class Framework:
    """What a framework exposes, and the service that a reader should find in it.

    `counter` is empty where the histogram's count is all there is. `outcome`: the label that holds `codes`; on
    the histogram only if `durations_by_outcome`.
    """

    service: str
    counter: str
    histogram: str
    outcome: str
    labels: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, str, str] = HTTP_CODES
    bounds: tuple[str, ...] = SECONDS
    durations_by_outcome: bool = True
    more: Callable[[KnownTarget, int], None] | None = None

    def count(self, target: KnownTarget, times: int = 1) -> None:
        """The traffic, so many times; with 0 the series are there and count nothing."""
        for code, number in zip(self.codes, (GOOD, REFUSED, FAILED), strict=True):
            by_outcome = {self.outcome: code}
            if self.counter:
                target.count(self.counter, number * times, **by_outcome, **self.labels)
            labels = {**self.labels, **(by_outcome if self.durations_by_outcome else {})}
            slow = SLOW if number == GOOD else 0
            for bound in (*self.bounds, "+Inf"):
                within = number if bound == "+Inf" else number - slow
                target.count(f"{self.histogram}_bucket", within * times, le=bound, **labels)
            target.count(f"{self.histogram}_count", number * times, **labels)
        if self.more:
            self.more(target, times)


def _seen_by_the_client_too(target: KnownTarget, times: int) -> None:
    """Istio's proxies on both sides count each request."""
    labels = {"destination_service_namespace": "shop", "destination_service_name": "checkout"}
    target.count("istio_requests_total", GOOD * times, reporter="source", response_code="200", **labels)


def _scraped(target: KnownTarget, times: int) -> None:
    """Every Go program counts the scrapes of its own page, and its requests to others."""
    target.count("promhttp_metric_handler_requests_total", 7 * times, code="200")
    target.count("rest_client_requests_total", 11 * times, code="500")


FRAMEWORKS = {
    "http": Framework("http", "http_requests_total", "http_request_duration_seconds", "code", more=_scraped),
    "demo": Framework("demo", "", "demo_api_request_duration_seconds", "status", {"path": "/api/foo"}),
    "prometheus-like": Framework(
        "prometheus-like", "prometheus_http_requests_total", "prometheus_http_request_duration_seconds",
        "code", {"handler": "/api/v1/query"}, durations_by_outcome=False,
    ),
    "micrometer": Framework(
        "micrometer", "", "http_server_requests_seconds", "status", {"uri": "/orders", "method": "GET"}
    ),
    "otel": Framework(
        "otel", "", "http_server_request_duration_seconds", "http_response_status_code", {"http_route": "/orders"}
    ),
    "old-otel": Framework(
        "old-otel", "", "http_server_duration_milliseconds", "http_status_code", bounds=MILLISECONDS
    ),
    "istio": Framework(
        "shop-checkout", "istio_requests_total", "istio_request_duration_milliseconds", "response_code",
        {
            "reporter": "destination",
            "destination_service_namespace": "shop",
            "destination_service_name": "checkout",
        },
        bounds=MILLISECONDS,
        more=_seen_by_the_client_too,
    ),
    "nginx": Framework(
        "web-front", "nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds",
        "status", {"exported_namespace": "web", "ingress": "front", "namespace": "ingress-nginx"},
    ),
    "traefik": Framework(
        "cart-docker", "traefik_service_requests_total", "traefik_service_request_duration_seconds",
        "code", {"exported_service": "cart@docker", "protocol": "http"},
    ),
    "grpc": Framework(
        "shop-orders", "grpc_server_handled_total", "grpc_server_handling_seconds", "grpc_code",
        {"grpc_service": "shop.Orders", "grpc_type": "unary"},
        codes=("OK", "NotFound", "Unavailable"), durations_by_outcome=False,
    ),
    "java-grpc": Framework(
        "shop-stock", "grpc_server_handled_total", "grpc_server_handling_seconds", "code",
        {"grpc_service": "shop.Stock", "grpc_type": "UNARY"},
        codes=("OK", "NOT_FOUND", "DEADLINE_EXCEEDED"), durations_by_outcome=False,
    ),
    "otel-grpc": Framework(
        "shop-pay", "", "rpc_server_duration_milliseconds", "rpc_grpc_status_code",
        {"rpc_service": "shop.Pay"}, codes=("0", "5", "14"), bounds=MILLISECONDS,
    ),
}  # fmt: skip
"""By scrape job."""
