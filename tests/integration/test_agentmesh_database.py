"""The launcher of the local PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from environments.agentmesh.cluster import create, find_owner, find_programs, programs_for
from tests.agentmesh_system import ENVIRONMENTS, PASSWORD, database, lets_in, start, wait_until
from tests.toxiproxy_servers import free_port

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "agentmesh.database", "--port", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running PostgreSQL."""
    number = free_port()
    with database(tmp_path_factory.mktemp("database"), number):
        yield number


def connect(port: int, user: str = "agentmesh", password: str = PASSWORD, name: str = "agentmesh") -> None:
    """Connect and disconnect."""
    psycopg.connect(host="127.0.0.1", port=port, user=user, password=password, dbname=name).close()


def folders() -> set[str]:
    """The clusters' folders in the temporary directory."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("agentmesh-database-*")}


def test_it_has_schema_and_seed_data(port: int) -> None:
    """50 agents and 500 tasks, so that the first reads have something to read."""
    with psycopg.connect(
        host="127.0.0.1", port=port, user="agentmesh", password=PASSWORD, dbname="agentmesh"
    ) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM agents), (SELECT count(*) FROM tasks)"
        ).fetchone()
    assert row == (50, 500)


@pytest.mark.parametrize(
    ("user", "password", "name"),
    [
        ("agentmesh", "wrong", "agentmesh"),
        ("postgres", PASSWORD, "agentmesh"),
        ("agentmesh", PASSWORD, "postgres"),
    ],
)
def test_only_its_role_gets_in_with_its_password_to_its_database(
    port: int, user: str, password: str, name: str
) -> None:
    """No superuser over the network, no other database, no other password."""
    with pytest.raises(psycopg.OperationalError):
        connect(port, user, password, name)


def test_its_role_is_no_superuser(port: int) -> None:
    """A superuser could run programs on this machine."""
    with psycopg.connect(
        host="127.0.0.1", port=port, user="agentmesh", password=PASSWORD, dbname="agentmesh"
    ) as connection:
        assert connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() == (
            False,
        )


def test_the_launcher_is_the_server_and_no_root(port: int) -> None:
    """The process that was started listens itself, as an unprivileged user, and its folder is closed to others."""
    owners = [
        c.pid
        for c in psutil.net_connections("tcp")
        if c.laddr and c.laddr.port == port and c.status == "LISTEN"
    ]
    server = psutil.Process(owners[0])
    assert server.name() == "postgres"
    assert server.uids().effective != 0
    folder = Path(server.cmdline()[server.cmdline().index("-D") + 1]).parent
    assert folder.stat().st_mode & 0o077 == 0
    assert PASSWORD not in " ".join(server.cmdline())
    assert PASSWORD not in server.environ().values()


def test_stopping_it_removes_its_folder(tmp_path: Path) -> None:
    """SIGINT is a fast shutdown: exit code 0, and nothing is left in the temporary directory."""
    before = folders()
    with database(tmp_path, free_port()) as server:
        made = folders() - before
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    wait_until(lambda: not made & folders(), "the folder is removed", 20)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """SIGKILL of the process that started it leaves no postgres and no folder."""
    number, before = free_port(), folders()
    environment = {**os.environ, "DATABASE_PASSWORD": PASSWORD}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(number)],
        cwd=ENVIRONMENTS,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        wait_until(lambda: lets_in(number), "PostgreSQL lets clients in")
        family, made = [server, *server.children(recursive=True)], folders() - before
        parent.kill()
        parent.wait()
    wait_until(lambda: not any(process.is_running() for process in family), "all of PostgreSQL is gone", 20)
    wait_until(lambda: not made & folders(), "the folder is removed", 20)


@pytest.mark.parametrize("password", ["", "two\nlines", "ü"])
def test_a_password_that_cannot_be_is_refused(tmp_path: Path, password: str) -> None:
    """One message, exit code 1, no cluster made."""
    log = tmp_path / "log"
    process = start("agentmesh.database", "--port", str(free_port()), log=log, DATABASE_PASSWORD=password)
    assert process.wait(30) == 1
    assert log.read_text().startswith("agentmesh.database: set DATABASE_PASSWORD")
    assert log.read_text().count("\n") == 1


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """One message that names the address, exit code 1."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken, log = holder.getsockname()[1], tmp_path / "log"
        process = start("agentmesh.database", "--port", str(taken), log=log, DATABASE_PASSWORD=PASSWORD)
        assert process.wait(30) == 1
    assert (
        log.read_text() == f"agentmesh.database: cannot listen on 127.0.0.1:{taken}: Address already in use\n"
    )


def test_no_room_for_the_cluster_is_one_message(tmp_path: Path) -> None:
    """What initdb says is passed on, without a traceback, and nothing stays."""
    log, before = tmp_path / "log", folders()
    command = 'ulimit -f 64; exec "$0" -m agentmesh.database --port "$1"'
    with log.open("w") as output:
        done = subprocess.run(
            ["sh", "-c", command, sys.executable, str(free_port())],
            cwd=ENVIRONMENTS,
            env={**os.environ, "DATABASE_PASSWORD": PASSWORD},
            stdout=output,
            stderr=output,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert log.read_text().startswith("agentmesh.database: ")
    assert "Traceback" not in log.read_text()
    wait_until(lambda: folders() <= before, "the folder is removed", 20)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")
def test_programs_that_its_user_cannot_reach_are_brought_to_it(tmp_path: Path) -> None:
    """A virtual environment in a closed home folder still gives a working PostgreSQL."""
    owner, programs = find_owner(), find_programs()
    closed = tmp_path / "closed" / programs.parents[1].name / "pginstall"
    closed.parent.parent.mkdir(mode=0o700)
    shutil.copytree(programs.parent, closed, symlinks=True)
    libraries = Path(f"{programs.parents[1]}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed.parents[1] / libraries.name)
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, owner.uid, owner.gid)
        within_reach = programs_for(owner, closed / "bin", Path(home))
        create(within_reach, Path(home) / "data", owner, PASSWORD)
        assert within_reach.is_relative_to(home)
        assert (Path(home) / "data" / "PG_VERSION").is_file()
