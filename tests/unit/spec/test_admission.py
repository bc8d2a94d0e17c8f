"""An experiment is admitted to an environment only with every target, rule and foreign action known there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos import faults
from slochaos.errors import InvalidInput, Refused, SlochaosError, TargetNotAllowed
from slochaos.spec import admission, environment, experiment
from slochaos.spec.experiment import Experiment
from tests.unit.spec.writing import (
    GOOD_ENVIRONMENT,
    GOOD_EXPERIMENT,
    OUTAGE,
    action,
    changed,
    foreign,
    holds,
    write,
    write_project,
)

SERVER = "http://127.0.0.1:8474"
OTHER = {**GOOD_ENVIRONMENT["targets"]["toxiproxy"][0], "server": "http://other:8474"}
TWO_SERVERS = changed(
    GOOD_ENVIRONMENT, "targets", "toxiproxy", to=[*GOOD_ENVIRONMENT["targets"]["toxiproxy"], OTHER]
)


def admit(folder: Path, content: Any = None, where: Any = None, **allowed: Any) -> Experiment:
    paths = write_project(folder, content, where)
    file = environment.read(paths[1])
    resolved = environment.resolve(file, environment.placeholders(file), {})
    return admission.admit(experiment.load(paths[0], describe=faults.traits), resolved, **allowed)


def refusal(folder: Path, content: Any = None, where: Any = None, **allowed: Any) -> SlochaosError:
    with pytest.raises(SlochaosError) as caught:
        admit(folder, content, where, **allowed)
    return caught.value


def test_admission_binds_servers_and_targets(tmp_path: Path) -> None:
    """The admitted experiment names each proxy's server, and `hold: true` is the environment's target."""
    content = changed(GOOD_EXPERIMENT, "extensions", 0, "objectives", "api-success", to={"hold": True})
    found = admit(tmp_path, content)
    assert found.faults[0].parameters == {**OUTAGE, "server": SERVER}
    assert found.rules[0].hold == Fraction(999, 1000)


@pytest.mark.parametrize(
    "content",
    [
        changed(GOOD_EXPERIMENT, "extensions", 0, "objectives", to={"api-sucess": {"cost": "5%"}}),
        changed(GOOD_EXPERIMENT, "steady-state-hypothesis", "probes", to=[holds("api-sucess")]),
    ],
)
def test_unknown_objective(tmp_path: Path, content: Any) -> None:
    """A rule or a probe about an objective that the environment has not is invalid, with the near miss."""
    error = refusal(tmp_path, content)
    assert isinstance(error, InvalidInput)
    assert "outage.json:" in error.message
    assert error.hint == "did you mean 'api-success'?"


def test_proxy_outside_of_the_allow_list(tmp_path: Path) -> None:
    """A proxy that the environment does not list is refused, with the line that would list it."""
    error = refusal(tmp_path, where=changed(GOOD_ENVIRONMENT, "targets", to={"toxiproxy": []}))
    assert isinstance(error, TargetNotAllowed)
    assert (error.exit_code, error.reason) == (4, "target-not-allowed")
    assert "{name: database, listen: HOST:PORT, upstream: HOST:PORT}" in error.hint


def test_server_of_a_proxy(tmp_path: Path) -> None:
    """The same proxy on two servers needs the preset to say which; another server than listed is refused."""
    assert 'add "server"' in refusal(tmp_path, where=TWO_SERVERS).hint
    for server, expected in (("http://other:8474/", "http://other:8474"), ("http://third:8474", None)):
        paths = write_project(tmp_path, None, TWO_SERVERS)
        write(tmp_path / "toxics/outage.json", {**OUTAGE, "server": server})
        file = environment.read(paths[1])
        resolved = environment.resolve(file, environment.placeholders(file), {})
        if expected:
            assert (
                admission.admit(experiment.load(paths[0], describe=faults.traits), resolved)
                .faults[0]
                .parameters["server"]
                == expected
            )
        else:
            with pytest.raises(TargetNotAllowed, match="third"):
                admission.admit(experiment.load(paths[0], describe=faults.traits), resolved)


def test_caps(tmp_path: Path) -> None:
    """A fault longer than allowed, and more faults at once than allowed, are refused; one after another is fine."""
    long = changed(GOOD_EXPERIMENT, "method", 0, "provider", "arguments", "duration", to="61s")
    assert "lasts 1m1s, 'staging' allows 1m" in str(refusal(tmp_path, long))
    slow = action("toxiproxy", "slow", toxic="slow", duration="30s")
    both = {**GOOD_EXPERIMENT, "method": [{**slow, "background": True}, GOOD_EXPERIMENT["method"][0]]}
    error = refusal(tmp_path, both)
    assert isinstance(error, Refused)
    assert (error.exit_code, error.reason) == (4, "caps")
    assert "2 faults at once ('slow', 'break it')" in error.message
    assert (
        len(admit(tmp_path, {**GOOD_EXPERIMENT, "method": [slow, GOOD_EXPERIMENT["method"][0]]}).faults) == 2
    )


def test_protected_environments_take_only_what_ends_by_itself(tmp_path: Path) -> None:
    """A proxy switched off stays so if this host dies: refused in production, unless named."""
    protected = changed(GOOD_ENVIRONMENT, "protected", to=True)
    error = refusal(tmp_path, where=protected)
    assert isinstance(error, Refused)
    assert error.reason == "protected"
    assert "--allow-lasting 'break it'" in error.hint
    admit(tmp_path, where=protected, allow_lasting=["break it"])
    admit(tmp_path, where=protected, allow_lasting=["database"])
    admit(
        tmp_path,
        changed(GOOD_EXPERIMENT, "method", to=[action("toxiproxy", toxic="slow", duration="1s")]),
        protected,
    )


@pytest.mark.parametrize(
    ("option", "names"),
    [("allow_lasting", ["break it", "nope"]), ("allow_foreign", ["shop.chaos.stop"])],
)
def test_what_is_allowed_by_name_has_to_exist(tmp_path: Path, option: str, names: list[str]) -> None:
    """A name that stands for nothing is invalid, and what could be named is listed."""
    error = refusal(tmp_path, **{option: names})
    assert isinstance(error, InvalidInput)
    assert f"--{option.replace('_', '-')} {names[-1]}" in error.message
    assert "break it, database" in error.hint if option == "allow_lasting" else "leave" in error.hint


def test_a_near_miss_of_a_foreign_action_is_answered(tmp_path: Path) -> None:
    """The actions of this experiment are what can be allowed; a pattern may stand for none of them."""
    content = changed(GOOD_EXPERIMENT, "method", to=[foreign()])
    error = refusal(tmp_path, content, allow_foreign=["shop.chaos.stopp"])
    assert (error.exit_code, error.hint) == (2, "did you mean 'shop.chaos.stop'?")
    admit(tmp_path, allow_foreign=["shop.*", "*"])


def test_foreign_actions_have_to_be_listed(tmp_path: Path) -> None:
    """The refusal prints the flags and the line that would allow them, and both work."""
    content = changed(GOOD_EXPERIMENT, "method", to=[foreign(), foreign(func="start")])
    listing = changed(GOOD_ENVIRONMENT, "allow_foreign", to=["shop.chaos.stop"])
    error = refusal(tmp_path, content, listing)
    assert isinstance(error, Refused)
    assert (error.exit_code, error.reason) == (4, "foreign-action")
    assert "--allow-foreign shop.chaos.start" in error.hint
    assert 'allow_foreign: ["shop.chaos.stop", "shop.chaos.start"]' in error.hint
    assert "--allow-foreign shop.chaos.stop" not in error.hint
    admit(tmp_path, content, listing, allow_foreign=["shop.chaos.start"])
    admit(tmp_path, content, allow_foreign=["shop.chaos.*"])
    refusal(tmp_path, content, allow_foreign=["shop.chaos", "shop", "*.stop"])
