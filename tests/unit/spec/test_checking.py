"""Files and folders of all kinds are checked together, and every problem is a finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slochaos import faults
from slochaos.errors import InvalidInput
from slochaos.spec.checking import Checked, Checking, resolved
from slochaos.spec.environment import Environment
from tests.unit.spec.writing import GOOD_ENVIRONMENT, GOOD_SLO, changed, write, write_project, yaml_text


def nobody() -> Environment:
    raise InvalidInput("there is no environment")


def check(*paths: Path, environment: Path | None = None, lenient: bool = False) -> Checked:
    chosen = nobody if environment is None else lambda: resolved(environment)
    return Checking(
        chosen=chosen, is_named=environment is not None, describe=faults.traits, lenient=lenient
    ).check(paths)


def messages(checked: Checked) -> list[str]:
    return [str(finding) for finding in checked.findings if finding.severity == "error"]


def test_a_folder_is_checked_whole(tmp_path: Path) -> None:
    """Each file as what it is; SLO documents with the environment that lists them; others are skipped."""
    write_project(tmp_path)
    write(tmp_path / "compose.yaml", {"services": {"api": {"image": "api"}}})
    write(tmp_path / "deploy.yaml", {"apiVersion": "v1", "kind": "Service", "spec": {}})
    checked = check(tmp_path)
    assert checked.valid
    assert sorted(checked.kinds.values()) == ["SLO document", "environment", "experiment", "toxic", "toxic"]
    assert [path.name for path in checked.skipped] == ["compose.yaml", "deploy.yaml"]
    assert [finding.rule for finding in checked.findings] == ["client-errors-counted"]


def test_every_broken_object_is_found(tmp_path: Path) -> None:
    """Two broken SLOs of one file are two errors, with their lines."""
    broken = [
        changed(changed(GOOD_SLO, "metadata", "name", to=name), "spec", "objectives", 0, "target", to=2)
        for name in ("a", "b")
    ]
    checked = check(write(tmp_path / "x.yaml", broken), environment=write_project(tmp_path)[1])
    assert len(messages(checked)) == 2
    assert len({finding.line for finding in checked.findings}) == 2


def test_an_environment_tells_every_error_of_its_documents(tmp_path: Path) -> None:
    """Not only the first one, at which a run would end; the run's message counts the others."""
    environment = write_project(tmp_path)[1]
    broken = [
        changed(changed(GOOD_SLO, "metadata", "name", to=name), "spec", "objectives", to=[])
        for name in ("a", "b", "c")
    ]
    write(tmp_path / "environments/shop.slos.yaml", yaml_text(*broken))
    assert len(messages(check(environment))) == 3
    with pytest.raises(InvalidInput, match="2 more errors: slochaos validate lists all"):
        resolved(environment)


def test_an_empty_folder_is_no_clean_bill(tmp_path: Path) -> None:
    """A folder without a file of ours was probably not the one that was meant."""
    (message,) = messages(check(tmp_path))
    assert "holds no file that ends in .json, .yaml, .yml" in message


def test_slos_refer_to_each_other_across_given_files(tmp_path: Path) -> None:
    """An SLI in one file, the SLO in another: valid together, and said alone."""
    environment = write_project(tmp_path)[1]
    indicator = GOOD_SLO["spec"]["indicator"]
    sli = write(tmp_path / "sli.yaml", {"apiVersion": "openslo/v1", "kind": "SLI", **indicator})
    slo = changed(changed(GOOD_SLO, "spec", "indicator", drop=True), "spec", "indicatorRef", to="success")
    path = write(tmp_path / "slo.yaml", slo)
    assert check(sli, path, environment=environment).valid
    assert "there is no SLI 'success'" in messages(check(path, environment=environment))[0]


def test_a_refusal_is_no_invalid_file(tmp_path: Path) -> None:
    """A fault that the environment does not list is refused, with the reason as the rule."""
    experiment, environment = write_project(
        tmp_path, environment=changed(GOOD_ENVIRONMENT, "targets", drop=True)
    )
    checked = check(experiment, environment=environment)
    assert [finding.rule for finding in checked.findings] == ["target-not-allowed"]
    assert list(checked.refusals) == [experiment]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.yaml", "a: b: c", "not YAML"),
        ("x.json", {"hello": 1}, "neither an experiment"),
        ("x.txt", "hello", "has to end in .json, .yaml or .yml"),
        ("gone.json", None, "does not exist"),
    ],
)
def test_any_file_gives_one_error(tmp_path: Path, name: str, content: Any, expected: str) -> None:
    """Whatever it holds, and if it does not exist."""
    path = tmp_path / name
    if content is not None:
        write(path, content)
    (message,) = messages(check(path))
    assert message.startswith(f"{path}")
    assert expected in message
    assert message.count(str(path)) == 1


def test_leniently_read_documents_warn(tmp_path: Path) -> None:
    """The profile reaches SLO documents that no environment lists; an environment says it by itself."""
    environment = write_project(tmp_path)[1]
    mistaken = write(tmp_path / "x.yaml", changed(GOOD_SLO, "spec", "objectives", 0, "op", to="gt"))
    assert not check(mistaken, environment=environment).valid
    assert check(mistaken, environment=environment, lenient=True).valid
    write(tmp_path / "environments/shop.slos.yaml", mistaken.read_text())
    assert not check(environment).valid
    write(environment, changed(GOOD_ENVIRONMENT, "openslo", to="lenient"))
    assert "openslo-lenient" in {finding.rule for finding in check(environment).findings}
