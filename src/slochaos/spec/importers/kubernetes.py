"""Objects of Kubernetes: one, or a list of them as `kubectl get -o yaml` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slochaos.spec.fields import Field, Section
from slochaos.spec.nodes import quoted


@dataclass(frozen=True)
class KubernetesObject:
    """One object: `metadata` holds what the API server added too, `spec` is for its reader to check."""

    metadata: Section
    spec: Field


def objects(root: Field, api_version: str, kind: str) -> Iterator[KubernetesObject]:
    """The objects of a document. Raises InvalidInput for those of another kind or version."""
    section = root.open_section()
    if "items" in section:
        for each in section["items"].items():
            yield _object(each, api_version, kind)
    else:
        yield _object(root, api_version, kind)


def _object(each: Field, api_version: str, kind: str) -> KubernetesObject:
    section = each.section(required=("apiVersion", "kind", "metadata", "spec"), optional=("status",))
    for name, wanted in (("apiVersion", api_version), ("kind", kind)):
        if section[name].text() != wanted:
            raise section[name].error(f"{quoted(section[name].text())} is not {wanted}")
    return KubernetesObject(section["metadata"].open_section(), section["spec"])
