"""A toxic of a proxy, as clients describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from slochaos.toxiproxy import body
from slochaos.toxiproxy.errors import ApiError
from slochaos.toxiproxy.toxics import STAGES

Stream = Literal["upstream", "downstream"]
STREAMS: tuple[Stream, Stream] = ("upstream", "downstream")


@dataclass(eq=False)
class Toxic:
    """One toxic; `toxicity` is the share of connections that it acts on, 0-1."""

    name: str
    type: str
    stream: Stream
    toxicity: float = 1.0
    attributes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Toxic:
        """Read a new toxic; what is not given is 0, downstream, toxicity 1. Raises ApiError 400."""
        stream = _stream(body.text(fields, "stream", "downstream"))
        kind = body.text(fields, "type", "")
        if kind not in STAGES:
            raise ApiError(400, "invalid toxic type")
        name = body.text(fields, "name", "") or f"{kind}_{stream}"
        toxic = cls(name, kind, stream, attributes=dict.fromkeys(STAGES[kind].attributes, 0))
        toxic.update(fields)
        return toxic

    def update(self, fields: Mapping[str, Any]) -> None:
        """Change toxicity and attributes, all or nothing; what is not given stays. Raises ApiError 400."""
        toxicity = body.fraction(fields, "toxicity", self.toxicity)
        given = body.as_object(fields.get("attributes") or {}, "attributes")
        self.attributes = {name: body.integer(given, name, value) for name, value in self.attributes.items()}
        self.toxicity = toxicity

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "attributes": self.attributes,
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }


def _stream(text: str) -> Stream:
    for stream in STREAMS:
        if text.lower() == stream:
            return stream
    raise ApiError(400, "stream was invalid, can be either upstream or downstream")
