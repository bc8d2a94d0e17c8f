"""`slochaos init --example`: the example system, experiments and toxics in a folder of one's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from slochaos.cli.streams import write
from slochaos.errors import InvalidInput, StateError

FOLDERS = ("environments", "experiments", "toxics")
_NOT_COPIED = {"__pycache__"}


def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to put it.")] = Path(),
    *,
    example: Annotated[bool, typer.Option("--example", help="The example: to run, and to change.")] = False,
) -> int:
    """Lay out the example: a system to break, and experiments.

    Nothing that exists is overwritten: if one file is there already, it is named and nothing is written.
    """
    if not example:
        raise InvalidInput("init needs to be told what to lay out", hint="slochaos init --example")
    from slochaos.paths import example_dir

    copies = _copies(example_dir(), folder)
    try:
        _write_all(copies)
    except OSError as error:
        raise StateError(
            f"{error.filename or folder}: {error.strerror}", hint="choose a folder that you can write"
        ) from error
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
    for _, copy in copies:
        if os.path.lexists(copy):
            raise InvalidInput(
                f"{copy} exists already, nothing was written",
                hint="choose another folder: slochaos init --example FOLDER",
            )
    return copies


def _write_all(copies: list[tuple[Path, Path]]) -> None:
    for path, copy in copies:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("xb") as file:  # x: never over a file that came meanwhile
            file.write(path.read_bytes())
