"""Findings as SARIF 2.1.0, held against its published schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Schema

from slochaos.reports import sarif
from slochaos.spec.findings import Finding
from slochaos.spec.lint.rules import RULES


def test_a_document_of_every_rule_has_the_published_form() -> None:
    """Every rule and severity, with and without a line: the schema takes it, and indexes lead to the rules."""
    findings = [
        Finding(rule, severity, "environments/shop.slos.yaml", line, "said", "do this")
        for line, rule in enumerate(RULES)
        for severity in ("error", "warning", "note")
    ]
    document = sarif.document(findings)
    Schema.model_validate_json(json.dumps(document))
    (run,) = document["runs"]
    for finding, result in zip(findings, run["results"], strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["level"] == finding.severity
        place = result["locations"][0]["physicalLocation"]
        assert place.get("region", {"startLine": 0})["startLine"] == finding.line


def test_files_are_named_as_code_hosts_want_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the working directory, with odd characters escaped; elsewhere as a file URI."""
    monkeypatch.chdir(tmp_path)
    names = [str(tmp_path / "slos" / "a b#1.yaml"), "slos/x.yaml", "/elsewhere/x.yaml"]
    document = sarif.document(Finding("invalid", "error", name, 1, "said") for name in names)
    uris = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in document["runs"][0]["results"]
    ]
    assert uris == ["slos/a%20b%231.yaml", "slos/x.yaml", "file:///elsewhere/x.yaml"]
