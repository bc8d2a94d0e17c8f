"""Toxic presets are Toxiproxy's JSON, checked by type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import toxics
from tests.unit.spec.writing import OUTAGE, SLOW, changed, write

TOXIC = ("toxics", 0)


def test_presets_become_parameters(tmp_path: Path) -> None:
    """The parameters of a preset are those that the fault takes."""
    assert toxics.load(write(tmp_path / "a.json", OUTAGE)).parameters == OUTAGE
    assert toxics.load(write(tmp_path / "b.json", SLOW)).parameters == SLOW
    assert toxics.load(
        write(tmp_path / "c.json", {**OUTAGE, "server": "http://toxiproxy:8474"})
    ).parameters == ({"proxy": "database", "server": "http://toxiproxy:8474", "enabled": False})


@pytest.mark.parametrize("kind", sorted(toxics.ATTRIBUTES))
def test_every_toxic_with_every_attribute(tmp_path: Path, kind: str) -> None:
    """Each type takes exactly its attributes; stream and toxicity have Toxiproxy's defaults."""
    attributes = {name: least + 1 for name, (least, _) in toxics.ATTRIBUTES[kind].items()}
    toxic = toxics.load(
        write(tmp_path / "a.json", {"proxy": "p", "toxics": [{"type": kind, "attributes": attributes}]})
    ).toxics
    assert toxic == (toxics.Toxic(kind, "downstream", 1.0, attributes),)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({}, "'proxy' is missing"),
        ({"proxy": ""}, "proxy: is empty"),
        ({"proxy": "a/b", "enabled": False}, "is no name of a proxy"),
        ({"proxy": "p"}, 'needs either "toxics" or "enabled": false'),
        ({"proxy": "p", "toxics": []}, 'needs either "toxics"'),
        ({"proxy": "p", "enabled": True}, 'needs either "toxics"'),
        ({**SLOW, "enabled": False}, 'needs either "toxics"'),
        ({**SLOW, "upstream": "x:1"}, "upstream: no field of that name"),
        ({**SLOW, "server": "http://169.254.169.254"}, "link-local address"),
        (changed(SLOW, *TOXIC, "type", to="latncy"), "toxics[0].type: 'latncy' is not one of"),
        (changed(SLOW, *TOXIC, "name", to="x"), "slochaos names its toxics itself"),
        (changed(SLOW, *TOXIC, "stream", to="up"), "did you mean 'upstream'?"),
        (changed(SLOW, *TOXIC, "toxicity", to=0), "0 is outside of 0 to 1"),
        (changed(SLOW, *TOXIC, "toxicity", to=1.1), "1.1 is outside of 0 to 1"),
        (
            changed(SLOW, *TOXIC, "attributes", to={"latency": 1, "jiter": 2}),
            "attributes.jiter: no field of that name\n  -> did you mean 'jitter'?",
        ),
        (changed(SLOW, *TOXIC, "attributes", to={"jitter": 2}), "'latency' is missing"),
        (changed(SLOW, *TOXIC, "attributes", drop=True), "a latency toxic needs 'latency'"),
        (changed(SLOW, *TOXIC, "attributes", "latency", to=-1), "-1 is outside of 0 to 86400000"),
        (changed(SLOW, *TOXIC, "attributes", "latency", to=1.5), "is not a whole number"),
        (changed(SLOW, *TOXIC, "attributes", "latency", to="100"), "has to be a whole number"),
        (
            changed(SLOW, "toxics", to=[{"type": "timeout", "toxicity": 0.5}, {"type": "reset_peer"}]),
            "draws again which connections",
        ),
        (
            changed(SLOW, "toxics", to=[{"type": "timeout"}, {"type": "timeout"}]),
            "two toxics of one type in one direction",
        ),
    ],
)
def test_each_mistake_has_its_message(tmp_path: Path, broken: Any, expected: str) -> None:
    """One wrong field, one message with file, line and path."""
    with pytest.raises(InvalidInput) as caught:
        toxics.load(write(tmp_path / "slow.json", broken))
    assert expected in str(caught.value)
    assert "slow.json:" in str(caught.value)


def test_where_presets_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the experiment's folder first, then in ./toxics; never outside of them."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "toxics/slow.json", SLOW)
    near = write(tmp_path / "project/toxics/slow.json", SLOW)
    assert toxics.find("slow", tmp_path / "project/experiments/x.json") == near
    assert toxics.find("slow", None) == Path("toxics/slow.json")
    with pytest.raises(InvalidInput, match="did you mean 'slow'"):
        toxics.find("slw", None)
    for name in ("../slow", "/etc/passwd", "", "a\0b"):
        with pytest.raises(InvalidInput, match="is no name of a toxic preset"):
            toxics.find(name, None)
