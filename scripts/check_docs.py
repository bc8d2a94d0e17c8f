"""Docs under test: what the program has is documented, what is documented works, what is linked exists.

Prints one line per problem and exits with 1 if there is any.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from slochaos import faults
from slochaos.cli.environments import load_statically
from slochaos.cli.main import app
from slochaos.faults.catalogue import FAULTS
from slochaos.record import Status
from slochaos.spec import environment
from slochaos.spec.checking import Checking

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PRESETS = ROOT / "docs/toxiproxy.md"
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (?:\$ )?(slochaos .+)$", re.MULTILINE)
INLINE = re.compile(r"`(slochaos [^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXIT_CODES = {
    "passed": "0",
    "failed": "1",
    "invalid": "2",
    "inconclusive": "3",
    "refused": "4",
    "aborted": "5",
    "undo-failed": "6",
    "error": "7",
    "interrupted": "129, 130, 143",
}


def main() -> int:
    """Run every check."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
    documents = {path: path.read_text() for path in paths}
    problems = [
        *undocumented(documents[README]),
        *untold(documents),
        *files_that_do_not_load(),
        *(problem for path, text in documents.items() for problem in broken_commands(path, text)),
        *(problem for path, text in documents.items() for problem in broken_links(path, text)),
    ]
    for problem in problems:
        print(problem)
    print(
        f"docs: {len(problems)} problems"
        if problems
        else f"docs: {len(documents)} documents agree with the program"
    )
    return 1 if problems else 0


def undocumented(readme: str) -> Iterator[str]:
    """Commands, faults, settings of environments, statuses and exit codes that README.md does not have."""
    for name in _commands():
        if f"| `slochaos {name}" not in readme:
            yield f"README.md: the table of commands lacks `slochaos {name}`"
    for kind in FAULTS:
        if f"| `{kind}` |" not in readme:
            yield f"README.md: the table of faults lacks `{kind}`"
    for setting in environment.SETTINGS:
        if f"`{setting}`" not in readme:
            yield f"README.md: the environment's setting `{setting}` is not explained"
    for status in get_args(Status):
        if f"| {EXIT_CODES[status]} | {status} |" not in readme:
            yield f"README.md: the table of exit codes lacks {EXIT_CODES[status]} {status}"


def untold(documents: dict[Path, str]) -> Iterator[str]:
    """Presets that the page on Toxiproxy lacks, and experiments that no document names."""
    for preset in sorted(ROOT.glob("toxics/*.json")):
        if f"`{preset.stem}`" not in documents[PRESETS]:
            yield f"{PRESETS.name}: the table of presets lacks `{preset.stem}`"
    everything = "\n".join(documents.values())
    for experiment in sorted(ROOT.glob("experiments/*.json")):
        if f"`{experiment.stem}`" not in everything and experiment.name not in everything:
            yield f"docs: no document names experiments/{experiment.name}"


def files_that_do_not_load() -> Iterator[str]:
    """Experiments, toxics, environments and SLO documents that their own loaders refuse."""
    checking = Checking(chosen=lambda: load_statically("local"), is_named=False, describe=faults.traits)
    checked = checking.check([ROOT / "experiments", ROOT / "toxics", *ROOT.glob("environments/*.yaml")])
    yield from (str(finding) for finding in checked.findings if finding.severity == "error")
    yield from (f"{path}: is of no kind of ours" for path in checked.skipped)


def broken_commands(path: Path, text: str) -> Iterator[str]:
    """Command lines in a document that the program would not take."""
    for line in _command_lines(text):
        if problem := _usage_problem(shlex.split(line, comments=True)[1:]):
            yield f"{path.name}: `{line}`: {problem}"


def broken_links(path: Path, text: str) -> Iterator[str]:
    """Links to files of this repository, and to headings, that lead nowhere."""
    for target in LINK.findall(text):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        linked = path.parent / file if file else path
        if not linked.exists():
            yield f"{path.name}: the link to {target} leads nowhere"
        elif heading and heading not in _headings(linked.read_text()):
            yield f"{path.name}: {linked.name} has no heading #{heading}"


def _commands() -> dict[str, Any]:
    return dict(getattr(typer.main.get_command(app), "commands"))  # noqa: B009 - a group, of Click or of Typer's copy


def _command_lines(text: str) -> Iterator[str]:
    """Commands in indented blocks, and whole commands in backquotes. Fenced blocks show files and output."""
    outside = FENCED.sub("", text)
    yield from INDENTED.findall(outside)
    yield from INLINE.findall(outside)


def _usage_problem(words: list[str]) -> str:
    """Why the command line does not parse; empty when it does. Nothing is run."""
    if words[0] == "COMMAND":
        return ""
    if words[0].startswith("--"):
        return "" if words[0] in ("--help", "--version", "--install-completion") else "no such option"
    command = _commands().get(words[0])
    if command is None:
        return "no such command"
    if "--help" in words or words[0] == "toxiproxy" or len(words) == 1:
        return ""
    try:
        command.make_context(words[0], words[1:])
    except Exception as error:  # noqa: BLE001 - whatever the parser raises is the problem to print
        message = getattr(error, "format_message", None)
        return str(message() if message else error)
    return ""


def _headings(text: str) -> set[str]:
    """Anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


if __name__ == "__main__":
    sys.exit(main())
