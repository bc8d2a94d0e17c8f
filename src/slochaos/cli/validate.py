"""`slochaos validate`: files of every kind, read as a run would read them, and what is wrong or doubtful in them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slochaos.cli.options import EnvironmentOption
from slochaos.cli.servers import PrometheusOption
from slochaos.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from slochaos.spec.checking import Checked
    from slochaos.spec.findings import Finding


class Output(StrEnum):
    """How `validate` answers."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class Profile(StrEnum):
    """How strictly OpenSLO is read."""

    STRICT = "strict"
    LENIENT = "lenient"


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="Files of any of these kinds, and folders of them.", show_default=False
        ),
    ],
    *,
    environment: EnvironmentOption = "",
    profile: Annotated[
        Profile,
        typer.Option("--profile", help="lenient takes the mistakes of published OpenSLO documents."),
    ] = Profile.STRICT,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Ask the environment's Prometheus server too, for what files cannot say."
        ),
    ] = False,
    prometheus: PrometheusOption = "",
    output: Annotated[
        Output,
        typer.Option("--format", help="text for people, json or sarif for one document on standard output."),
    ] = Output.TEXT,
) -> int:
    """Check experiments, toxics, environments and SLO documents, and lint them.

    Says which line to change. With --environment, experiments are also checked against what that
    environment allows. Reads files only, unless --live or --prometheus asks a server: no module of an
    experiment is imported, no address opened. Exits with 2 if any file does not validate; warnings and notes
    change nothing.
    """
    from slochaos import faults
    from slochaos.cli.environments import load_statically
    from slochaos.cli.streams import write_document
    from slochaos.spec.checking import Checking

    checking = Checking(
        chosen=lambda: load_statically(environment),
        is_named=bool(environment),
        describe=faults.traits,
        lenient=profile is Profile.LENIENT,
    )
    checked = checking.check(files)
    if live or prometheus:
        checked.update(_ask(checked, environment, prometheus))
    if output is Output.SARIF:
        from slochaos.reports import sarif

        write_document(sarif.document(checked.findings))
    elif output is Output.JSON:
        write_document(_document(checked))
    else:
        _print(checked)
    return _exit_code(checked)


def _ask(checked: Checked, environment: str, prometheus: str) -> list[Finding]:
    """What the server knows of the objectives that were read. Raises InvalidInput, SourceError."""
    from slochaos.cli.environments import load_statically
    from slochaos.cli.servers import server_at, server_of
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.slo.lint import lint

    is_url = "://" in prometheus
    source = server_at(prometheus) if is_url else server_of(load_statically(environment), prometheus)
    measured = {objective.where: objective for objective in checked.objectives}
    with PrometheusServer(source) as server:
        return list(lint(server, list(measured.values())))


def _exit_code(checked: Checked) -> int:
    if checked.valid:
        return 0
    errors = [each for each in checked.findings if each.severity == "error"]
    refused = all(str(path) in {str(p) for p in checked.refusals} for path in {each.file for each in errors})
    return Refused.exit_code if refused else InvalidInput.exit_code


def _print(checked: Checked) -> None:
    """Valid files and findings on standard output, errors on the other one."""
    from slochaos.cli.streams import say, write

    broken = {each.file for each in checked.findings if each.severity == "error"}
    for path, kind in checked.kinds.items():
        if kind and str(path) not in broken:
            write(f"{path}: {kind}, valid")
    for path in checked.skipped:
        write(f"{path}: none of slochaos's files, skipped")
    for finding in checked.findings:
        if finding.severity == "error":
            say(f"Error: {_text(finding)}")
        else:
            write(_text(finding))


def _text(finding: Finding) -> str:
    label = "" if finding.rule == "invalid" else f" ({finding.severity}: {finding.rule})"
    fix = f"\n  -> {finding.fix}" if finding.fix else ""
    return f"{finding}{label}{fix}"


def _document(checked: Checked) -> dict[str, Any]:
    """Each file as it was named or found, and every finding."""
    return {
        "valid": checked.valid,
        "files": [_file(path, checked) for path in checked.kinds],
        "skipped": [str(path) for path in checked.skipped],
        "findings": [vars(finding) for finding in checked.findings],
    }


def _file(path: Path, checked: Checked) -> dict[str, Any]:
    errors = [each for each in checked.findings if each.file == str(path) and each.severity == "error"]
    entry: dict[str, Any] = {"file": str(path), "valid": not errors, "kind": checked.kinds[path]}
    if errors:
        first = errors[0]
        refused = path in checked.refusals
        entry["error"] = {
            "status": "refused" if refused else "invalid",
            "exit_code": Refused.exit_code if refused else InvalidInput.exit_code,
            "message": str(first),
            "hint": first.fix,
            "reason": first.rule if refused else "",
        }
    return entry
