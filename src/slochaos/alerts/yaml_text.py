"""YAML for people to read: fields in their order, text of several lines as such, comments at its head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

_WIDTH = 200


def yaml_text(document: Any, comments: Iterable[str] = ()) -> str:
    """The document under its comments, each of which becomes one line, whatever it holds."""
    head = "".join(f"# {' '.join(comment.split())}\n" for comment in comments)
    return head + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


class _Dumper(yaml.SafeDumper):
    """Of its own, since representers belong to the class."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML passes it
        """Values that occur twice are written twice: `&id001` helps no reader."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
