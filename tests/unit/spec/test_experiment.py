"""Experiments are read statically: ours turn into faults and rules, all else into a list of foreign code."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slochaos import faults
from slochaos.errors import InvalidInput
from slochaos.spec import activities, experiment
from slochaos.spec.experiment import Experiment, PlannedFault, Rule
from tests.unit.spec.writing import (
    GOOD_EXPERIMENT,
    OUTAGE,
    SLOW,
    action,
    changed,
    foreign,
    line_of,
    write,
    write_project,
)

METHOD = ("method", 0)
ARGUMENTS = (*METHOD, "provider", "arguments")
BLOCK = ("extensions", 0)


def load(folder: Path, content: Any, **variables: Any) -> Experiment:
    return experiment.load(write_project(folder, experiment=content)[0], variables, describe=faults.traits)


def problem(folder: Path, content: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        load(folder, content)
    assert "outage.json:" in str(caught.value)
    return str(caught.value)


def broken(*path: str | int, to: Any = None, drop: bool = False) -> Any:
    return changed(GOOD_EXPERIMENT, *path, to=to, drop=drop)


def rule(content: Any) -> Any:
    return broken(*BLOCK, "objectives", "api-success", to=content)


def test_our_experiment(tmp_path: Path) -> None:
    """Rules, faults with their presets, phases, and nothing foreign."""
    found = load(tmp_path, GOOD_EXPERIMENT)
    path = tmp_path / "experiments/outage.json"
    fault, objective = line_of(path, '"action"') - 1, line_of(path, '"objective": ')
    assert (found.name, found.title, found.document) == ("outage", "The shop survives", GOOD_EXPERIMENT)
    assert found.rules == (Rule("api-success", Fraction(99, 100), Fraction(1, 20), where=f"{path}:8"),)
    assert found.faults == (
        PlannedFault(
            "break it",
            "toxiproxy",
            "database",
            OUTAGE,
            20.0,
            background=False,
            where=f"{path}:{fault}",
            preset=found.faults[0].preset,
            lasting=True,
        ),
    )
    assert found.faults[0].preset == GOOD_EXPERIMENT["method"][0]["provider"]["arguments"]["toxic"]
    assert (found.baseline_s, found.recovery_s, found.method_s) == (10.0, 60.0, 20.0)
    assert (found.foreign_actions, found.other_code) == ((), ())
    assert found.asked_objectives == (("api-success", f"{path}:{objective}"),)


def test_hold_true_is_the_target(tmp_path: Path) -> None:
    """`hold: true` asks for the objective's own target, whatever that is in the environment."""
    rule = load(
        tmp_path, changed(GOOD_EXPERIMENT, *BLOCK, "objectives", to={"api-success": {"hold": True}})
    ).rules[0]
    assert (rule.hold, rule.hold_target, rule.cost) == (None, True, None)


@pytest.mark.parametrize(("text", "seconds"), [("1ms", 0.001), ("24h", 86_400), ("1d", 86_400)])
def test_bounds_of_a_duration_are_inclusive(tmp_path: Path, text: str, seconds: float) -> None:
    """The shortest and the longest fault are allowed."""
    assert load(tmp_path, broken(*ARGUMENTS, "duration", to=text)).faults[0].duration_s == seconds


def test_schedule_of_faults(tmp_path: Path) -> None:
    """Faults in the background overlap what follows; pauses and rollbacks count; a ref injects once more."""
    method = [
        {
            **action("toxiproxy", "slow", toxic="slow", duration="30s"),
            "background": True,
            "pauses": {"after": 100},
        },
        {**action("nothing", "wait", duration="5s"), "pauses": {"before": 2, "after": "${gap}"}},
        {"ref": "wait"},
    ]
    content = {
        **GOOD_EXPERIMENT,
        "method": method,
        "configuration": {"gap": 1},
        "rollbacks": [action("nothing", "late", duration="1s")],
    }
    found = load(tmp_path, content)
    assert [(fault.name, fault.starts_s, fault.background) for fault in found.faults] == (
        [("slow", 0, True), ("wait", 2, False), ("wait", 10, False), ("late", 130, False)]
    )
    assert found.method_s == 130
    assert found.faults[0].parameters == SLOW


def test_variables_in_our_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`${}` comes from --var, an environment variable, its default or a plain value; never from running anything."""
    monkeypatch.setenv("SHOP_DURATION", "7s")
    for configuration, variables, expected in (
        ({"d": "9s"}, {}, 9),
        ({"d": "9s"}, {"d": "3s"}, 3),
        ({"d": {"type": "env", "key": "SHOP_DURATION"}}, {}, 7),
        ({"d": {"type": "env", "key": "SHOP_UNSET", "default": "8s"}}, {}, 8),
    ):
        content = {
            **changed(GOOD_EXPERIMENT, *ARGUMENTS, "duration", to="${d}"),
            "configuration": configuration,
        }
        assert load(tmp_path, content, **variables).faults[0].duration_s == expected
    probe = foreign("shop.config", "duration", kind="probe")
    for unknown in ({}, {"d": {"type": "env", "key": "SHOP_UNSET"}}, {"d": probe}):
        content = {**changed(GOOD_EXPERIMENT, *ARGUMENTS, "duration", to="${d}"), "configuration": unknown}
        assert "'${d}' is not known before the run" in problem(tmp_path, content)


def test_foreign_code_is_listed_and_never_imported(tmp_path: Path) -> None:
    """Actions of the method and the rollbacks, referenced ones, and controls; probes apart."""
    control = {"name": "c", "provider": {"type": "python", "module": "shop.controls"}}
    process = {
        "type": "action",
        "name": "p",
        "provider": {"type": "process", "path": "tc", "arguments": "qdisc"},
    }
    http = {
        "type": "action",
        "name": "h",
        "provider": {"type": "http", "url": "${base}/drop", "method": "POST"},
    }
    content = {
        **GOOD_EXPERIMENT,
        "configuration": {"base": "http://shop", "dynamic": foreign("shop.config", "probe", kind="probe")},
        "controls": [control, {"ref": "c"}],
        "method": [
            foreign(),
            process,
            {**http, "controls": [{**control, "provider": {"type": "python", "module": "shop.more"}}]},
            {"ref": "stop it"},
        ],
        "rollbacks": [foreign(func="start"), foreign(func="look", kind="probe")],
    }
    content["steady-state-hypothesis"] = {
        "title": "x",
        "controls": [control],
        "probes": [
            {
                **foreign(func="seen", kind="probe"),
                "tolerance": foreign("shop.tolerance", "fits", kind="probe"),
            }
        ],
    }
    found = load(tmp_path, content)
    assert found.foreign_actions == (
        "shop.chaos.stop",
        "process:tc",
        "http:http://shop/drop",
        "shop.chaos.start",
        "control:shop.controls",
        "control:shop.more",
    )
    assert set(found.other_code) == {
        "shop.chaos.seen",
        "shop.chaos.look",
        "shop.tolerance.fits",
        "shop.config.probe",
    }
    assert not [name for name in sys.modules if name.startswith("shop")]


def test_experiments_of_chaos_toolkit_load_unchanged(tmp_path: Path) -> None:
    """No block of ours, deprecated and vendor fields, YAML's own types: `document` is what chaoslib loads."""
    text = """
version: 1.0.0
title: Old one
description: with what Chaos Toolkit allows
tags: [a]
contributions: {reliability: high}
runtime: {hypothesis: {strategy: continuously}, rollbacks: {strategy: always}}
dependencies: [x]
secrets: {vault: {token: {type: vault, path: a/b}}}
configuration: {when: 2024-01-01, n: 010, on: off}
extensions: [{name: other, anything: [goes]}]
method:
  - type: probe
    name: a probe
    background: yes
    dry: no
    pauses: {before: 1.5}
    provider: {type: http, url: "http://x", timeout: [1, 2], expected_status: 200}
"""
    path = write(tmp_path / "old.yaml", text)
    found = experiment.load(path, describe=faults.traits)
    assert found.document == yaml.safe_load(text)
    assert (found.rules, found.faults, found.foreign_actions, found.baseline_s, found.recovery_s) == (
        (),
        (),
        (),
        15,
        60,
    )
    assert found.other_code == ("http:http://x",)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", "is a list, has to be a mapping"),
        (broken("title", drop=True), "'title' is missing"),
        (broken("description", drop=True), "'description' is missing"),
        (broken("method", drop=True), "'method' is missing"),
        (broken("method", to=None), "method: is null, has to be a list"),
        (broken("method", to=[1]), "method[0]: is the number 1, has to be a mapping"),
        (broken("method", to=[{"ref": "nope"}]), "there is no activity 'nope'"),
        (broken(*METHOD, "type", to="acton"), "did you mean 'action'?"),
        (broken(*METHOD, "background", to="yes"), "background: is the text 'yes', has to be true or false"),
        (broken(*METHOD, "provider", "type", to="ruby"), "'ruby' is not one of python, process, http"),
        (
            broken(*METHOD, "provider", "module", to="slochaos.extension.action"),
            "did you mean 'slochaos.extension.actions'?",
        ),
        (
            broken(*METHOD, "provider", "module", to="slochaos.guard.client"),
            "'slochaos.guard.client' is no module for experiments",
        ),
        (broken(*METHOD, "provider", "func", to="toxproxy"), "did you mean 'toxiproxy'?"),
        (broken(*ARGUMENTS, to={"duration": "1s"}), "arguments: 'toxic' is missing"),
        (broken(*ARGUMENTS, to={"toxic": "outage"}), "arguments: 'duration' is missing"),
        (broken(*ARGUMENTS, drop=True), "the argument 'toxic' is missing"),
        (broken(*ARGUMENTS, "host", to="x"), "arguments.host: no field of that name"),
        (broken(*ARGUMENTS, "toxic", to="outrage"), "did you mean 'outage'?"),
        (broken(*ARGUMENTS, "toxic", to="../toxics/outage"), "is no name of a toxic preset"),
        (broken(*ARGUMENTS, "duration", to="0s"), "0s is outside of 1ms to 1d"),
        (broken(*ARGUMENTS, "duration", to="25h"), "25h is outside of 1ms to 1d"),
        (broken(*ARGUMENTS, "duration", to=0), "is the number 0, has to be a duration"),
        (broken(*ARGUMENTS, "duration", to=-1), "is the number -1, has to be a duration"),
        (broken(*ARGUMENTS, "duration", to=1e9), "is the number 1000000000.0, has to be a duration"),
        (broken(*ARGUMENTS, "duration", to="-1s"), "'-1s' is not a duration"),
        (broken(*ARGUMENTS, "duration", to="1e9s"), "'1e9s' is not a duration"),
        (broken(*ARGUMENTS, "duration", to="20"), "'20' is not a duration"),
        (broken(*METHOD, "type", to="probe"), "toxiproxy is an action"),
        (
            broken("configuration", to={"x": {**action("nothing", duration="1s"), "type": "probe"}}),
            "nothing is an action",
        ),
        (broken("steady-state-hypothesis", "probes", to=[{"ref": "break it"}]), "toxiproxy is an action"),
        (broken("steady-state-hypothesis", to={"probes": []}), "'title' is missing"),
        (
            broken("controls", to=[{"name": "x", "provider": {"type": "python", "module": "slochaos.x"}}]),
            "slochaos has no controls",
        ),
        (
            broken("extensions", to=GOOD_EXPERIMENT["extensions"] * 2),
            "a second block named 'slochaos', the first is at",
        ),
        (broken(*BLOCK, "objektives", to={}), "did you mean 'objectives'?"),
        (broken(*BLOCK, "baseline", to=10), "extensions[0].baseline: is the number 10, has to be a duration"),
        (rule({}), "extensions[0].objectives.api-success: has no rule"),
        (rule({"hold": False}), "or true for the objective's target"),
        (rule({"cost": "abc"}), ".cost: 'abc' is no percentage"),
        (rule({"cost": "101%"}), "'101%' is no percentage"),
        (rule({"cost": 5}), 'has to be a percentage in quotes, such as "5%"'),
        (rule({"costs": "5%"}), "did you mean 'cost'?"),
    ],
)
def test_each_mistake_has_its_message(tmp_path: Path, content: Any, expected: str) -> None:
    """One wrong field, one message with file, line, path and what would be right."""
    assert expected in problem(tmp_path, content)


def test_the_table_of_our_functions_is_true() -> None:
    """The arguments that the reader accepts are those that the functions take."""
    for module, functions in activities.FUNCTIONS.items():
        for name, signature in functions.items():
            parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters
            others = [each.name for each in parameters.values() if each.kind is each.VAR_KEYWORD]
            named = [each for each in parameters.values() if each.name not in others]
            needed = tuple(each.name for each in named if each.default is each.empty)
            every = tuple(each.name for each in named)
            assert (needed, every) == (signature.required, signature.required + signature.optional)
            assert bool(others) == signature.open


FIELDS = st.sampled_from(
    [
        "title",
        "description",
        "method",
        "rollbacks",
        "extensions",
        "name",
        "type",
        "provider",
        "controls",
        "ref",
        "configuration",
    ]
)
SHAPES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["x", "python", "action"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
)


@given(fields=st.dictionaries(FIELDS, SHAPES, max_size=5))
def test_any_document_loads_or_is_invalid(tmp_path_factory: pytest.TempPathFactory, fields: Any) -> None:
    """Documents of any shape raise nothing but InvalidInput."""
    content = {"title": "t", "description": "d", "method": [], **fields}
    with contextlib.suppress(InvalidInput):
        experiment.load(write(tmp_path_factory.getbasetemp() / "any.json", content), describe=faults.traits)
