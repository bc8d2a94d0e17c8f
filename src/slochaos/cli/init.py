"""`slochaos init`: files to start from: the example, or what the metrics of one's own Prometheus suggest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from slochaos.cli.options import Format, FormatOption
from slochaos.cli.servers import PrometheusOption, TenantOption, UserOption
from slochaos.cli.streams import write
from slochaos.errors import InvalidInput, StateError

FOLDERS = ("environments", "experiments", "toxics")
_NOT_COPIED = {"__pycache__"}


def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to put it.")] = Path(),
    *,
    example: Annotated[bool, typer.Option("--example", help="The example: to run, and to change.")] = False,
    prometheus: PrometheusOption = "",
    name: Annotated[
        str,
        typer.Option("--name", metavar="NAME", help="With --prometheus: what to call the environment."),
    ] = "system",
    objective: Annotated[
        list[str],
        typer.Option("--objective", metavar="NAME", help="Only this one. Repeatable.", show_default=False),
    ] = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --prometheus: print the files, write none.")
    ] = False,
    user: UserOption = "",
    tenant: TenantOption = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Lay out files: the example, or an environment for your Prometheus.

    With --prometheus, finds objectives by well-known metric names, shows each with its last 24 hours, and
    writes environments/NAME.yaml and environments/NAME.slos.yaml, with what was seen as comments. Nothing that
    exists is overwritten: if one file is there already, it is named and nothing is written.
    """
    from slochaos.cli.failures import errors_as_document

    with errors_as_document(output is Format.JSON):
        if example == bool(prometheus):
            raise InvalidInput(
                "init needs to be told what to lay out",
                hint="slochaos init --example, or slochaos init --prometheus URL",
            )
        if example and (objective or dry_run or user or tenant):
            raise InvalidInput("--objective, --dry-run, --user and --tenant go with --prometheus")
        if example:
            return _lay_out_example(folder)
        from slochaos.cli import proposing
        from slochaos.cli.servers import server_at

        source = server_at(prometheus, user, tenant)
        proposing.check_name(name)
        wanted = proposing.Wanted(folder, name, tuple(objective), dry_run)
        hint = "choose another --name, or another folder"
        if not dry_run:
            _refuse_existing(wanted.paths, hint)
        survey, files = proposing.proposed(source, wanted, output)
        if not dry_run:
            _write_all({path: text.encode(errors="replace") for path, text in files.items()})
    proposing.show(survey, files, wanted, output)
    return 0


def _lay_out_example(folder: Path) -> int:
    from slochaos.paths import example_dir

    copies = _copies(example_dir(), folder)
    _write_all({copy: path.read_bytes() for path, copy in copies})
    where = "" if folder == Path() else f"cd {folder} && "
    write(
        f"Wrote {len(copies)} files under {folder.resolve()}: {', '.join(f'{name}/' for name in FOLDERS)}.\n"
        f"Next: {where}slochaos run experiments/db_outage.json"
    )
    return 0


def _copies(source: Path, folder: Path) -> list[tuple[Path, Path]]:
    """Pairs of file and copy. Raises InvalidInput if any copy exists already."""
    files = [
        path
        for name in FOLDERS
        for path in sorted((source / name).rglob("*"))
        if path.is_file() and not _NOT_COPIED & set(path.parts)
    ]
    copies = [(path, folder / path.relative_to(source)) for path in files]
    _refuse_existing([copy for _, copy in copies], "choose another folder: slochaos init --example FOLDER")
    return copies


def _refuse_existing(paths: Iterable[Path], hint: str) -> None:
    for path in paths:
        if os.path.lexists(path):
            raise InvalidInput(f"{path} exists already, nothing was written", hint=hint)


def _write_all(files: Mapping[Path, bytes]) -> None:
    """All of them or, where one cannot be written or Ctrl-C comes in between, none."""
    written: list[Path] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:  # x: never over a file that came meanwhile
                written.append(path)
                file.write(content)
    except BaseException as error:
        for each in written:
            each.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise StateError(
            f"{error.filename or path}: {error.strerror}", hint="choose a folder that you can write"
        ) from error
