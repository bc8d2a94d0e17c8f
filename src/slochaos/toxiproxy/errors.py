"""What the API answers when a request cannot be served, under the titles of toxiproxy-server."""

from __future__ import annotations


class ApiError(Exception):
    """An answer with a status from 400 up and the body `{"error": message, "status": status}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def to_json(self) -> dict[str, object]:
        """The body of the answer."""
        return {"error": self.message, "status": self.status}


class CannotListen(ApiError):
    """The system does not let this server listen on an address; the message says why."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(500, f"listen tcp {address}: bind: {reason}")


def bad_body(why: str) -> ApiError:
    """The request's JSON cannot be understood."""
    return ApiError(400, f"bad request body: {why}")


def missing_field(name: str) -> ApiError:
    """A field without a default is not there."""
    return ApiError(400, f"missing required field: {name}")
