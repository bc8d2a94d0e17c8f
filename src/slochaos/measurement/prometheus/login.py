"""Logging in to a Prometheus server. The secret is read for each question and kept nowhere."""

from __future__ import annotations

from base64 import b64encode

import requests
from requests.auth import AuthBase

from slochaos.errors import InvalidInput
from slochaos.spec.sources import PrometheusSource, Secret


class Login(AuthBase):
    """Puts the Authorization header on each request, for a source that has a user or a bearer token.

    Raises InvalidInput for a secret that cannot be read or cannot stand in a header; it never says its value.
    """

    def __init__(self, source: PrometheusSource) -> None:
        self._source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        source = self._source
        if source.bearer is not None:
            request.headers["Authorization"] = f"Bearer {_token(source.bearer, source.name)}"
        elif source.user:
            password = source.password.read() if source.password else ""
            credentials = b64encode(f"{source.user}:{password}".encode()).decode()
            request.headers["Authorization"] = f"Basic {credentials}"
        return request


def _token(secret: Secret, source: str) -> str:
    token = secret.read()
    if not token.isascii() or not token.isprintable() or " " in token:
        # The HTTP client would refuse it too, and quote it.
        raise InvalidInput(f"the bearer token of source {source} cannot stand in an HTTP header")
    return token
