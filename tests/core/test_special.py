"""Writing never replaces what is no file: as the first user of a machine, ``--out /dev/null`` would."""

import os
import socket
import stat
from pathlib import Path

import numpy as np
import pytest

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import atomic, refuse_special
from muybridge.data.decode import video

KINDS = ("pipe", "socket", "device", "link to a pipe", "link to a device")


@pytest.fixture(params=KINDS)
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path, kind = tmp_path / "special.mp4", request.param
    target = tmp_path / "target" if kind.startswith("link") else path
    if kind.endswith("pipe"):
        os.mkfifo(target)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(target))
    else:
        try:
            os.mknod(target, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("only the first user makes devices")
    if target != path:
        path.symlink_to(target)
    return path


def test_a_text_does_not_take_its_place(special: Path):
    before = special.lstat()
    with pytest.raises(MuybridgeError, match="wanted the name of a file"), atomic(special) as file:
        file.write("x")
    assert os.path.samestat(before, special.lstat())
    assert not list(special.parent.glob(".*"))


def test_a_video_does_not_take_its_place(special: Path):
    before = special.lstat()
    with pytest.raises(MuybridgeError, match="wanted the name of a file"):
        video.write(special, np.zeros((2, 16, 16, 3), np.uint8), 10.0)
    assert os.path.samestat(before, special.lstat())


def test_files_links_to_them_and_new_names_may_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("file", "link", "dangling", "new", "no/folder/yet"):
        refuse_special(tmp_path / name)
