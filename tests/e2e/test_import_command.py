"""`slochaos import` as a user runs it, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell

pytestmark = pytest.mark.every_python

SLOTH = """\
version: prometheus/v1
service: shop
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(requests_total{job="shop",code=~"5.."}[{{.window}}]))
        total_query: sum(rate(requests_total{job="shop"}[{{.window}}]))
"""
PLUGIN = """\
  - name: latency
    objective: 95
    sli: {plugin: {id: acme/latency}}
"""


def test_what_is_imported_validates(shell: Shell) -> None:
    """Standard output is an SLO file, standard error says what became of each objective."""
    (shell.folder / "sloth.yml").write_text(SLOTH)
    answer = shell.slochaos("import", "sloth", "sloth.yml", "--window", "28d")
    assert answer.code == 0
    assert answer.err == "sloth.yml:4: availability: counted exactly\n"
    (shell.folder / "shop.slos.yaml").write_text(answer.out)
    valid = shell.slochaos("validate", "shop.slos.yaml")
    assert valid.code == 0, valid.err


def test_an_objective_left_out_is_no_success(shell: Shell) -> None:
    """The others are written; exit code 2 and a line say that one is missing."""
    (shell.folder / "sloth.yml").write_text(SLOTH + PLUGIN)
    answer = shell.slochaos("import", "sloth", "sloth.yml", "--output", "shop.slos.yaml")
    assert answer.code == 2
    assert answer.out == ""
    assert "sloth.yml:10: latency: left out: its indicator is made by the plugin" in answer.err
    assert "name: shop-availability" in (shell.folder / "shop.slos.yaml").read_text()


def test_nothing_is_overwritten(shell: Shell) -> None:
    """A file that exists stays as it is."""
    (shell.folder / "sloth.yml").write_text(SLOTH)
    answer = shell.slochaos("import", "sloth", "sloth.yml", "--output", "sloth.yml")
    assert answer.code == 2
    assert "exists already" in answer.err
    assert (shell.folder / "sloth.yml").read_text() == SLOTH


@pytest.mark.parametrize(
    ("tool", "content", "said"),
    [
        ("sloth", "version: prometheus/v3", "sloth.yml:1: version: 'prometheus/v3' is not prometheus/v1"),
        ("pyrra", SLOTH, "sloth.yml:1: version: no field of that name"),
        ("grafana", SLOTH, "'grafana' is not one of"),
    ],
)
def test_a_wrong_file_is_refused(shell: Shell, tool: str, content: str, said: str) -> None:
    """With its line and what would be right; exit code 2."""
    Path(shell.folder / "sloth.yml").write_text(content)
    answer = shell.slochaos("import", tool, "sloth.yml")
    assert answer.code == 2
    assert said in answer.err
