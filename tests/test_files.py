"""Files are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import UsageError
from monitor.files import created, replacing


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_a_mode_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "real", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with replacing(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_stays_one() -> None:
    with replacing(Path("/dev/null")) as stream:
        stream.write(b"x")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("name", ["missing/a.csv", ".", "file/a.csv"])
def test_a_place_that_can_not_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^/"), replacing(tmp_path / name):
        pass


def test_what_exists_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.toml"
    with created(path) as stream:
        stream.write(b"first")
    with pytest.raises(UsageError, match="exists already"), created(path):
        pass
    assert path.read_text() == "first"
