"""Launcher of the local PostgreSQL: makes a fresh cluster, then *becomes* the server by exec.

So the process that was started is the server, and ends with it. On Linux the kernel also ends it with its
parent (parent-death signal). Its folder lives in the temporary directory and is locked by the server's
processes; who finds it unlocked removes it: a janitor that waits for the server's end, or the next start.

The password comes in the environment (DATABASE_PASSWORD), never on the command line.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from .cluster import CannotStart, Owner, create, find_owner, find_programs, programs_for, temporary_base

HOST = "127.0.0.1"
_PREFIX = "agentmesh-database-"
_STALE_AFTER_S = 60.0
_PR_SET_PDEATHSIG = 1

# Nothing here has to survive a power cut: the cluster lives as long as one run.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "jit": "off",
    "log_checkpoints": "off",
}


def main() -> None:
    """Command line: `python -m agentmesh.database --port PORT`."""
    parser = argparse.ArgumentParser(prog="agentmesh.database", description="a PostgreSQL for one run")
    parser.add_argument("--port", type=int, required=True, help="loopback TCP port to listen on")
    port = parser.parse_args().port
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end quietly when stopped before the exec
    try:
        launch(port, os.environ.pop("DATABASE_PASSWORD", ""))
    except (CannotStart, OSError) as error:
        sys.exit(f"agentmesh.database: {error}")


def launch(port: int, password: str) -> NoReturn:
    """Make a cluster and become its server. Raises CannotStart or OSError before that."""
    parent = os.getppid()
    if not password or not password.isascii() or not password.isprintable():
        raise CannotStart("set DATABASE_PASSWORD to the password that clients have to give (printable ASCII)")
    _check_port(port)
    owner = find_owner()
    base = temporary_base(owner)
    _remove_stale(base)
    home = _locked_home(base, owner)
    programs = programs_for(owner, find_programs(), home)
    create(programs, home / "data", owner, password)
    _become(owner, parent)
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    postgres = str(programs / "postgres")
    os.execve(  # noqa: S606 - the point: the launcher becomes the server
        postgres,
        [postgres, "-D", str(home / "data"), "-p", str(port), *settings],
        {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    )


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(f"cannot listen on {HOST}:{port}: {error.strerror}") from error


def _locked_home(base: Path, owner: Owner) -> Path:
    """A 0700 folder of the owner whose file `lock` is locked by this process and all that it becomes or starts."""
    home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    if owner.is_somebody_else:
        os.chown(home, owner.uid, owner.gid)
    _leave_janitor(home, lock)
    return home


def _leave_janitor(home: Path, inherited_lock: int) -> None:
    """Fork a process that removes the folder once no process holds its lock any more."""
    if os.fork():
        return
    # A session of its own: whoever ends the server by its process group still gets the folder removed.
    os.setsid()
    os.close(inherited_lock)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    with contextlib.suppress(OSError), (home / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(home, ignore_errors=True)
    os._exit(0)


def _remove_stale(base: Path) -> None:
    """Remove what servers left whose janitor was killed too. Young folders may not be locked yet."""
    for home in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            info = (home / "lock").lstat()
            if info.st_uid != os.geteuid() or time.time() - info.st_mtime < _STALE_AFTER_S:
                continue
            with (home / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(home, ignore_errors=True)


def _become(owner: Owner, parent: int) -> None:
    """Take the owner's identity, and make the kernel end this process with its parent (Linux)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    os.chdir("/")
    if owner.is_somebody_else:
        os.setgroups([])
        os.setgid(owner.gid)
        os.setuid(owner.uid)
    if sys.platform != "linux":
        return
    # After the change of user, which clears it. SIGQUIT is PostgreSQL's immediate shutdown: unlike
    # SIGKILL it also ends the server's children and frees its shared memory.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise CannotStart("the process that started the database has ended meanwhile")


if __name__ == "__main__":
    main()
