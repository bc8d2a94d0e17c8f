"""host.disk and host.io: file systems that are filled and kept busy, and are as before when nobody is left."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slochaos import paths
from slochaos.errors import InvalidInput, Refused, TargetNotAllowed
from slochaos.faults import catalogue
from slochaos.faults.host.folder import same_space
from slochaos.spec.targets import AllowedFolder
from tests.guarded import wait_until
from tests.integration.host_faults import file_system, host_guard, kill, marked
from tests.machine_tools import MachineTools

MIB = 1024 * 1024


@pytest.fixture(params=["tmpfs", "ext4"])
def scratch(request: pytest.FixtureRequest, tmp_path: Path, machine_tools: MachineTools) -> Iterator[Path]:
    """A file system of 64 MiB."""
    with file_system(request.param, tmp_path / "scratch", 64 * MIB) as point:
        yield point


def free(folder: Path) -> float:
    """The share of the file system that users can still take."""
    state = os.statvfs(folder)
    return state.f_bavail / (state.f_blocks - state.f_bfree + state.f_bavail)


def write_fails(folder: Path) -> bool:
    """Whether there is no space for a megabyte."""
    path = folder / "canary"
    try:
        path.write_bytes(os.urandom(MIB))
        subprocess.run(["sync", "-f", str(folder)], check=True)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return True
    finally:
        path.unlink(missing_ok=True)
    return False


def test_a_tenth_stays_free(tmp_path: Path, scratch: Path) -> None:
    """Unless more is asked, all but a tenth is taken, and what others write or remove changes nothing of that."""
    before = free(scratch)
    with host_guard(tmp_path, folders=(AllowedFolder("scratch", str(scratch)),)) as (_, client):
        state = client.inject("disk", "host.disk", {"target": "scratch"}, 2.0)
        assert free(scratch) == pytest.approx(0.1, abs=0.03)
        assert not write_fails(scratch)
        (scratch / "log").write_bytes(os.urandom(4 * MIB))
        assert wait_until(lambda: free(scratch) == pytest.approx(0.1, abs=0.03))
        (scratch / "log").unlink()
        ended = client.wait(state.id)
    assert ended.state == "undone"
    assert ended.seen >= 2
    assert "MiB free (asked: " in ended.evidence
    assert free(scratch) == pytest.approx(before, abs=0.02)
    assert not any(path.name != "lost+found" for path in scratch.iterdir())


def test_to_the_brim(tmp_path: Path, scratch: Path) -> None:
    """Where the environment gives a whole file system, nothing stays: writes fail, also those of the evidence."""
    with host_guard(tmp_path, folders=(AllowedFolder("scratch", str(scratch), to_the_brim=True),)) as (
        _,
        client,
    ):
        state = client.inject("disk", "host.disk", {"target": "scratch", "leave": "0%"}, 1.5)
        assert write_fails(scratch)
        ended = client.wait(state.id)
        assert not write_fails(scratch)
    assert ended.seen == ended.looks >= 2
    assert "canary writes refused for lack of space" in ended.evidence


def test_space_is_back_when_the_guard_is_killed(tmp_path: Path, scratch: Path) -> None:
    """The file has no name, so the kernel removes it with the process that holds it."""
    with host_guard(tmp_path, folders=(AllowedFolder("scratch", str(scratch), to_the_brim=True),)) as (
        guard,
        client,
    ):
        client.inject("disk", "host.disk", {"target": "scratch", "leave": "0%"}, 60)
        assert write_fails(scratch)
        kill(guard)
        assert wait_until(lambda: not marked())
        assert wait_until(lambda: not write_fails(scratch))


def test_the_last_tenth_needs_the_environments_word(tmp_path: Path, scratch: Path) -> None:
    """An experiment alone cannot fill a disk: that folder's entry has to say so."""
    with host_guard(tmp_path, folders=(AllowedFolder("scratch", str(scratch)),)) as (_, client):
        with pytest.raises(Refused, match=r"the last tenth .* is not taken") as caught:
            client.inject("disk", "host.disk", {"target": "scratch", "leave": "5%"}, 1)
        assert "to_the_brim: true" in caught.value.hint
        (scratch / "log").write_bytes(bytes(8 * MIB))
        with pytest.raises(Refused, match=r"is free of .* already"):
            client.inject("disk", "host.disk", {"target": "scratch", "leave": "95%"}, 1)
        assert not marked()


def test_to_the_brim_is_for_whole_file_systems(tmp_path: Path, scratch: Path) -> None:
    """A folder that others share the disk with is not enough, whatever its entry says."""
    (scratch / "below").mkdir()
    folders = (AllowedFolder("below", str(scratch / "below"), to_the_brim=True),)
    with host_guard(tmp_path, folders=folders) as (_, client):
        with pytest.raises(TargetNotAllowed, match="is only a part of the file system"):
            client.inject("disk", "host.disk", {"target": "below", "leave": "0%"}, 1)
        client.wait(client.inject("disk", "host.disk", {"target": "below", "leave": "50%"}, 0.2).id)


def test_what_a_run_writes_to_is_never_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file system of the undo log nor that of the run's folder, by whatever path it is named."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert paths.state_dir().is_dir()
    (tmp_path / "alias").symlink_to(tmp_path / "xdg")
    folders = (AllowedFolder("own", str(tmp_path / "alias"), to_the_brim=True),)
    with host_guard(tmp_path, folders=folders) as (_, client):
        with pytest.raises(TargetNotAllowed, match="shares its file system with the undo log"):
            client.inject("disk", "host.disk", {"target": "own", "leave": "50%"}, 1)
        assert not marked()


def test_an_overlay_is_the_file_system_below(tmp_path: Path, machine_tools: MachineTools) -> None:
    """A container's root and the disk that it lies on share their space though their devices differ."""
    with file_system("ext4", tmp_path / "disk", 64 * MIB) as disk:
        for name in ("lower", "upper", "work"):
            (disk / name).mkdir()
        merged = tmp_path / "merged"
        merged.mkdir()
        options = f"lowerdir={disk}/lower,upperdir={disk}/upper,workdir={disk}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", str(merged)], check=True)
        try:
            assert merged.stat().st_dev != disk.stat().st_dev
            assert same_space(str(merged), str(disk))
            assert not same_space(str(merged), "/proc")
        finally:
            subprocess.run(["umount", str(merged)], check=True)


def test_a_disk_is_kept_busy(tmp_path: Path, machine_tools: MachineTools) -> None:
    """Bytes reach the disk, by the kernel's count of the stressor's own, and its space stays bounded."""
    with file_system("ext4", tmp_path / "disk", 256 * MIB) as disk:
        used = free(disk)
        with host_guard(tmp_path, folders=(AllowedFolder("disk", str(disk)),)) as (_, client):
            state = client.inject("io", "host.io", {"target": "disk"}, 1.5)
            assert wait_until(lambda: sum(each.io_counters().write_bytes for each in marked()) > MIB)
            assert free(disk) > used - 0.4
            ended = client.wait(state.id)
        assert ended.state == "undone"
        assert ended.seen >= 1
        assert "/s written" in ended.evidence
        assert free(disk) == pytest.approx(used, abs=0.02)


def test_memory_is_no_disk(tmp_path: Path, machine_tools: MachineTools) -> None:
    """What lies in memory cannot be kept busy: refused, since nothing would be seen."""
    with file_system("tmpfs", tmp_path / "memory", 256 * MIB) as point:
        refused = pytest.raises(Refused, match="there is no disk to keep busy")
        with host_guard(tmp_path, folders=(AllowedFolder("memory", str(point)),)) as (_, client), refused:
            client.inject("io", "host.io", {"target": "memory"}, 1)


@pytest.mark.parametrize("kind", ["host.disk", "host.io"])
def test_folders_only_by_the_allow_list(tmp_path: Path, kind: str) -> None:
    """Another name is refused with what is allowed; a name whose folder is not there has nothing to hit."""
    folders = (AllowedFolder("data", str(tmp_path / "none")),)
    with host_guard(tmp_path, folders=folders) as (_, client):
        with pytest.raises(TargetNotAllowed, match="does not allow faults on the folder 'date'") as caught:
            client.inject("disk", kind, {"target": "date"}, 1)
        assert "data" in caught.value.hint
        with pytest.raises(Refused, match="is no folder"):
            client.inject("disk", kind, {"target": "data"}, 1)


@pytest.mark.parametrize("value", ["100%", "-1%", "much", 0, True, 0.5])
def test_what_stays_is_a_share_or_a_size(value: object) -> None:
    """Anything else is named as a mistake."""
    with pytest.raises(InvalidInput, match="neither a share nor a size"):
        catalogue.traits("host.disk", {"target": "scratch", "leave": value})
