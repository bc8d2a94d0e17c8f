"""Well-known metrics of requests and probes, as data: one entry for each framework.

Names are regular expressions that have to match whole, in the part that RE2 and Python read alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slochaos.spec.selectors import Matcher


@dataclass(frozen=True)
class Outcome:
    """How metrics say what became of a request: labels, first come first, and what their values mean.

    `plausible`: a label is one of these only if one of its values looks like that. `refused` are the client's
    own mistakes. The names are what people call them.
    """

    labels: tuple[str, ...]
    failed: str
    refused: str
    plausible: str
    failed_name: str
    refused_name: str


@dataclass(frozen=True)
class Preset:
    """What one framework calls its metrics.

    `requests`: counters; `durations`: histograms, without `_bucket`; `probes`: gauges of 0 and 1. `service`: the
    labels that tell services apart within a job, for each the names that it may have. `requests_only` and
    `durations_only`: series that count. `not_these`: names that match and mean something else.
    """

    name: str
    requests: str = ""
    durations: str = ""
    probes: str = ""
    outcome: Outcome | None = None
    service: tuple[tuple[str, ...], ...] = ()
    requests_only: tuple[Matcher, ...] = ()
    durations_only: tuple[Matcher, ...] = ()
    not_these: str = ""
    remark: str = ""


def _http(*labels: str) -> Outcome:
    return Outcome(labels, "5..", "4..", "[1-5]([0-9]{2}|xx)", failed_name="5xx", refused_name="4xx")


_GRPC_FAILED = ("Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss")
"""Which codes are the server's fault is OpenTelemetry's choice, in its conventions for gRPC."""

_GRPC_REFUSED = (
    *("Canceled", "Cancelled", "InvalidArgument", "NotFound", "AlreadyExists", "PermissionDenied"),
    *("ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unauthenticated"),
)


def _spelled(codes: tuple[str, ...]) -> str:
    """As Go and as Java write them: DataLoss, DATA_LOSS."""
    return "|".join((*codes, *(re.sub("(?<=[a-z])(?=[A-Z])", "_", code).upper() for code in codes)))


_GRPC = Outcome(
    labels=("grpc_code", "code"),
    failed=_spelled(_GRPC_FAILED),
    refused=_spelled(_GRPC_REFUSED),
    plausible=f"OK|{_spelled(_GRPC_FAILED)}|{_spelled(_GRPC_REFUSED)}",
    failed_name=", ".join(_GRPC_FAILED),
    refused_name="the other codes",
)
_GRPC_NUMBERS = Outcome(
    labels=("rpc_grpc_status_code",),
    failed="2|4|12|13|14|15",
    refused="1|3|5|6|7|8|9|10|11|16",
    plausible="[0-9]|1[0-6]",
    failed_name=", ".join(_GRPC_FAILED),
    refused_name="the other codes",
)

_COMMON = _http(
    *("code", "status", "status_code", "http_status", "http_status_code", "statusCode", "response_code"),
    *("http_response_status_code", "status_class"),
)

PRESETS = (
    Preset(
        "Istio",
        requests="istio_requests_total",
        durations="istio_request_duration_milliseconds",
        outcome=_http("response_code"),
        service=(("destination_service_namespace",), ("destination_service_name", "destination_service")),
        requests_only=(Matcher("reporter", "=", "destination"),),
        durations_only=(Matcher("reporter", "=", "destination"),),
        remark="as the server's proxy saw it: what never reached it is not counted (reporter=source has that)",
    ),
    Preset(
        "ingress-nginx",
        requests="nginx_ingress_controller_requests",
        durations="nginx_ingress_controller_request_duration_seconds",
        outcome=_http("status"),
        service=(("exported_namespace", "namespace"), ("ingress",)),
    ),
    Preset(
        "Traefik",
        requests="traefik_service_requests_total",
        durations="traefik_service_request_duration_seconds",
        outcome=_http("code"),
        service=(("exported_service", "service"),),
        remark="requests that no router took are in no service's count",
    ),
    Preset(
        "gRPC",
        requests="grpc_server_handled_total",
        durations="grpc_server_handling_seconds",
        outcome=_GRPC,
        service=(("grpc_service",),),
        durations_only=(Matcher("grpc_type", "=~", "unary|UNARY"),),
    ),
    Preset(
        "Micrometer",
        requests="http_server_requests_seconds_count",
        durations="http_server_requests_seconds",
        outcome=_http("status"),
        service=(("application",),),
        remark='health checks and scrapes count too: uri!~"/actuator.*" leaves them out',
    ),
    Preset(
        "OpenTelemetry",
        requests="http_server_(request_duration_seconds|duration_milliseconds)_count",
        durations="http_server_(request_duration_seconds|duration_milliseconds)",
        outcome=_http("http_response_status_code", "http_status_code"),
        service=(("exported_job", "service_name"),),
    ),
    Preset(
        "OpenTelemetry gRPC",
        requests="rpc_server_duration_(seconds|milliseconds)_count",
        durations="rpc_server_duration_(seconds|milliseconds)",
        outcome=_GRPC_NUMBERS,
        service=(("exported_job", "service_name"), ("rpc_service",)),
    ),
    Preset(
        "HTTP",
        requests="(.+_)?requests?(_received|_handled)?_total|(.+_)?request_duration_seconds_count",
        durations="(.+_)?request_duration_seconds",
        outcome=_COMMON,
        service=(("exported_job",),),
        # Requests to others, scrapes of the page itself, and the parts of the above that count requests again.
        not_these=".*client.*|.*upstream.*|promhttp_.*|istio_.*|traefik_.*",
    ),
    Preset("probes", probes="probe_success", service=(("exported_job",),)),
)
"""Specific ones first: what one has taken is left alone by those after it."""
