"""`targets.host`: what of this host an environment lets faults use up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import environment
from slochaos.spec.targets import AllowedFolder, AllowedHost, Targets
from tests.unit.spec.writing import GOOD_ENVIRONMENT, changed, write_project

SCRATCH = {"name": "scratch", "path": "/mnt/scratch/", "to_the_brim": True}


def targets(folder: Path, host: Any) -> Targets:
    content = changed(GOOD_ENVIRONMENT, "targets", "host", to=host)
    _, path = write_project(folder, environment=content)
    return environment.resolve(environment.read(path), {"port_api": "4711", "secret": "hush"}, {}).targets


def test_nothing_is_allowed_unless_it_is_said(tmp_path: Path) -> None:
    """An environment without the section lets no fault use up anything of this host."""
    assert targets(tmp_path, {}).host == AllowedHost(cpu=False, memory=False, folders=())


def test_flags_and_folders(tmp_path: Path) -> None:
    """CPU and memory by a flag, disks by named folders; all of it goes to another process and back."""
    found = targets(tmp_path, {"cpu": True, "folders": [SCRATCH, {"name": "data", "path": "/srv"}]})
    assert found.host == AllowedHost(
        cpu=True,
        folders=(AllowedFolder("scratch", "/mnt/scratch", to_the_brim=True), AllowedFolder("data", "/srv")),
    )
    assert Targets.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ({"cpu": "yes"}, "has to be true or false"),
        ({"folders": ["/srv"]}, "has to be a mapping"),
        ({"folders": [{"name": "data"}]}, "'path' is missing"),
        ({"folders": [{"name": "data", "path": "srv"}]}, "is no absolute path"),
        ({"folders": [SCRATCH, SCRATCH]}, "a second folder named 'scratch'"),
        ({"disk": True}, "no field of that name"),
    ],
)
def test_every_mistake_is_named(tmp_path: Path, host: Any, says: str) -> None:
    """With the field that is wrong."""
    with pytest.raises(InvalidInput, match=r"targets\.host") as caught:
        targets(tmp_path, host)
    assert says in str(caught.value).replace('"', "'")
