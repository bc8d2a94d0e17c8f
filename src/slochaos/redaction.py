"""Takes secrets out of whatever is written down: journals, logs, results, reports. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"
_SHORTEST_SECRET = 4

_WORDS = (
    r"pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|credentials?|cookie"
    r"|(?:api|access|private|secret|auth|signing|encryption)[-_]?keys?|authorization|bearer|session[-_]?id"
)
_CREDENTIAL_KEY = re.compile(rf"(?:^|[-_.\s])(?:{_WORDS})$", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# Only where the text itself says that a credential follows: a URL's user part, an HTTP scheme, a setting.
_URL_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE)
_HTTP_SCHEME = re.compile(r"(?P<before>\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}", re.IGNORECASE)
_SETTING = re.compile(
    rf"(?P<before>(?<![a-z0-9])(?:{_WORDS})[\"']?\s*[=:]\s*)(?!bearer\b|basic\b)"
    r"(?:(?P<quote>[\"'])(?:(?!(?P=quote))[^\\]|\\.)+(?P=quote)|[^\s\"'&,;]{4,})",
    re.IGNORECASE,
)


def redact(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A copy of `value` (text, or a tree of mappings and sequences) without secrets.

    Replaced by `MASK`: every occurrence of a text of `secrets` (those of fewer than four characters are
    left: they would eat ordinary words), the values of keys that name a credential, and in free text the
    password of a URL, what follows `Bearer` or `Basic`, and what follows `password=` and the like.
    Numbers, booleans, None and other objects come back as they are. Raises nothing.
    """
    known = {form for s in secrets if len(s) >= _SHORTEST_SECRET for form in _written_forms(s)}
    return _redacted(value, sorted(known, key=len, reverse=True))


def _written_forms(secret: str) -> tuple[str, ...]:
    """A secret as it stands, within a URL, and within JSON."""
    return (
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    )


def names_credential(key: str) -> bool:
    """Whether a key such as `api_key`, `dbPassword` or `Authorization` names a credential."""
    return bool(_CREDENTIAL_KEY.search(_CAMEL.sub("_", key)))


def _redacted(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        return _redacted_text(value, secrets)
    if isinstance(value, Mapping):
        return {_key(k, secrets): _member(k, v, secrets) for k, v in value.items()}
    if isinstance(value, tuple):
        items = [_redacted(item, secrets) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list | set | frozenset):
        return type(value)(_redacted(item, secrets) for item in value)
    if isinstance(value, bytes):
        return _redacted_text(value.decode("utf-8", "surrogateescape"), secrets).encode(
            "utf-8", "surrogateescape"
        )
    return value


def _key(key: Any, secrets: list[str]) -> Any:
    return _redacted_text(key, secrets) if isinstance(key, str) else key


def _member(key: Any, value: Any, secrets: list[str]) -> Any:
    """The value of one key: masked whole when the key names a credential and the value can hold one."""
    if not isinstance(key, str) or not names_credential(key):
        return _redacted(value, secrets)
    if isinstance(value, Mapping):
        return _store(value, secrets)
    if isinstance(value, str | bytes):
        return MASK if value else value
    # A number can be a password; but `max_tokens: 512` is how models are asked, and no secret.
    if isinstance(value, int) and not isinstance(value, bool) and not key.lower().endswith("tokens"):
        return MASK
    return _redacted(value, secrets)


def _store(values: Mapping[Any, Any], secrets: list[str]) -> dict[Any, Any]:
    """A mapping of secrets: all its texts go, except where a `type` says that they only tell where to look."""
    if "type" in values:
        return {_key(k, secrets): _redacted(v, secrets) for k, v in values.items()}
    return {_key(k, secrets): _stored(v, secrets) for k, v in values.items()}


def _stored(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, Mapping):
        return _store(value, secrets)
    return MASK if isinstance(value, str | bytes) else _redacted(value, secrets)


def _redacted_text(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern in (_URL_PASSWORD, _HTTP_SCHEME, _SETTING):
        text = pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    quote_mark = found.groupdict().get("quote") or ""
    return f"{found['before']}{quote_mark}{MASK}{quote_mark}"
