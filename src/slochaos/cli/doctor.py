"""`slochaos doctor`: what is installed, reachable and missing, each line with its fix."""

from __future__ import annotations

from itertools import chain

from slochaos.cli.options import EnvironmentOption, Format, FormatOption
from slochaos.errors import SlochaosError

_SIGNS = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}


def doctor(environment: EnvironmentOption = "", output: FormatOption = Format.TEXT) -> int:
    """Say what is installed, reachable and missing, and the fix.

    Looks at this host and at one environment. Reads only, of sources and Toxiproxy servers too. Exits
    with 7 if something is missing.
    """
    from slochaos.cli.diagnosis import environment as of_environment
    from slochaos.cli.diagnosis import host
    from slochaos.cli.streams import write, write_document

    findings = []
    for finding in chain(host.findings(), of_environment.findings(environment)):
        findings.append(finding)
        if output is Format.TEXT:
            write(f"{_SIGNS[finding.state]}  {finding.what}: {finding.detail}")
            if finding.fix:
                write(f"           -> {finding.fix}")
    healthy = all(finding.state != "missing" for finding in findings)
    if output is Format.JSON:
        write_document({"healthy": healthy, "findings": findings})
    return 0 if healthy else SlochaosError.exit_code
