"""`python -m slochaos.toxiproxy`: its flags, its configuration file, and its failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toxiproxy_servers import free_port, start_embedded
from tests.upstreams import Upstream


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    command = [sys.executable, "-m", "slochaos.toxiproxy", "--port", "0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_proxies_come_from_flags_and_from_a_file(tmp_path: Path, echo: Upstream) -> None:
    """All of them listen before the API answers."""
    config = tmp_path / "proxies.json"
    config.write_text(json.dumps([{"name": "file", "listen": "127.0.0.1:0", "upstream": echo.address}]))
    flag = f"flag=127.0.0.1:{free_port()},{echo.address}"
    server = start_embedded(tmp_path / "log", "--config", str(config), "--proxy", flag)
    try:
        proxies = server.call("GET", "/proxies")[1]
        assert {name: proxy["enabled"] for name, proxy in proxies.items()} == {"file": True, "flag": True}
    finally:
        server.end()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("{}", "a list of proxies is expected"),
        ("[1]", "a list of proxies is expected"),
        ('[{"name": "p"}]', "missing required field: upstream at proxy 1"),
        ('[{"name": "p", "listen": "0.0.0.0:0", "upstream": "127.0.0.1:1"}]', "--listen-elsewhere"),
    ],
)
def test_a_bad_configuration_file_is_exit_code_2(tmp_path: Path, content: str, says: str) -> None:
    """One message, and no server without its proxies."""
    config = tmp_path / "proxies.json"
    config.write_text(content)
    ended = run("--config", str(config))
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert says in ended.stderr


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("--config", "does-not-exist.json", "does-not-exist.json: No such file"),
        ("--proxy", "database", "expected NAME=LISTEN,UPSTREAM"),
        ("--proxy", "database=127.0.0.1:0", "expected NAME=LISTEN,UPSTREAM"),
        ("--proxy", "database=nowhere,127.0.0.1:1", "address nowhere: missing port"),
        ("--port", "70000", "--port 70000 is no port"),
        ("--host", "0.0.0.0", "--listen-elsewhere"),
        ("--unknown", "1", "--unknown"),
    ],
)
def test_a_bad_command_line_is_exit_code_2(flag: str, value: str, says: str) -> None:
    """One message that names what is wrong."""
    ended = run(flag, value)
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert says in ended.stderr


def test_an_address_that_is_taken_is_exit_code_7(echo: Upstream) -> None:
    """For the API and for a proxy, with the address in the message."""
    for arguments in (("--port", str(echo.port)), ("--proxy", f"p={echo.address},127.0.0.1:1")):
        ended = run(*arguments)
        assert (ended.returncode, "Traceback" in ended.stderr) == (7, False)
        assert echo.address in ended.stderr


def test_an_installed_server_is_preferred_on_request(
    tmp_path: Path, toxiproxy_server_binary: Path, monkeypatch: pytest.MonkeyPatch, echo: Upstream
) -> None:
    """The process becomes the real server, with the same proxies and the same id, and leaves no file behind."""
    monkeypatch.setenv("PATH", str(toxiproxy_server_binary.parent), prepend=os.pathsep)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    flag = f"p=127.0.0.1:{free_port()},{echo.address}"
    server = start_embedded(tmp_path / "log", "--prefer-installed", "--proxy", flag)
    try:
        assert server.call("GET", "/version")[1] == {"version": "2.12.0"}
        assert server.call("GET", "/proxies/p")[1]["upstream"] == echo.address
        assert list((tmp_path / "temporary").iterdir()) == []
    finally:
        server.end()


def test_without_an_installed_server_the_embedded_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--prefer-installed` is a preference."""
    monkeypatch.setenv("PATH", str(tmp_path))
    server = start_embedded(tmp_path / "log", "--prefer-installed")
    try:
        assert server.call("GET", "/version")[1] == {"version": "2.12.0+slochaos"}
    finally:
        server.end()


def test_an_installed_server_that_cannot_run_or_may_not_listen_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule where to listen also holds for the real server."""
    broken = tmp_path / "toxiproxy-server"
    broken.write_bytes(b"no program")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments, code, says in (
        ((), 7, f"cannot start {broken}"),
        (("--proxy", "p=0.0.0.0:0,127.0.0.1:1"), 2, "--listen-elsewhere"),
        (("--host", "0.0.0.0"), 2, "--listen-elsewhere"),
    ):
        ended = run("--prefer-installed", *arguments)
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False)
        assert says in ended.stderr
