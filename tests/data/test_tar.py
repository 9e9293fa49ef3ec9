"""Where members of tars lie, and tars that are refused."""

import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_shards import pack, special

from muybridge.core.errors import UsageError
from muybridge.data.index import fingerprint
from muybridge.data.lists import tar

NAMES = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyzäß视0123456789 &#;()-_", min_size=1, max_size=130)
    .map(str.strip)
    .filter(bool),
    min_size=1,
    max_size=8,
    unique=True,
)


@settings(max_examples=40, deadline=None)
@given(NAMES, st.data(), st.sampled_from((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)))
def test_every_member_is_found_as_the_library_extracts_it(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject, kind: int
) -> None:
    path = tmp_path_factory.mktemp("tars") / "x.tar"
    contents = [data.draw(st.binary(max_size=1500)) for _ in names]
    if kind == tarfile.USTAR_FORMAT:
        names = [f"{name.encode().hex()[:90]}-{i}" for i, name in enumerate(names)]
    pack(path, [(f"{name}.mp4", content) for name, content in zip(names, contents, strict=True)], kind)
    assert list(tar.members(path)) == [f"{name}.mp4" for name in names]
    whole = path.read_bytes()
    for name, content in zip(names, contents, strict=True):
        place = tar.extent(Path(f"{path}::{name}.mp4"))
        assert whole[place.start : place.start + place.size] == content
        assert tar.is_there(Path(f"{path}::{name}.mp4"))


def test_a_member_has_the_fingerprint_of_the_file_it_was_packed_from(tmp_path: Path) -> None:
    big = np.random.default_rng(0).bytes(400_000)
    (tmp_path / "a.mp4").write_bytes(big)
    pack(tmp_path / "x.tar", [("small.mp4", b"s"), ("a.mp4", big), ("after.mp4", b"t" * 70_000)])
    assert fingerprint(Path(f"{tmp_path}/x.tar::a.mp4")) == fingerprint(tmp_path / "a.mp4")
    assert fingerprint(Path(f"{tmp_path}/x.tar::small.mp4")) != fingerprint(
        Path(f"{tmp_path}/x.tar::after.mp4")
    )


def test_names_are_tidied_and_folders_and_hidden_files_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as out:
        folder = tarfile.TarInfo("./a")
        folder.type = tarfile.DIRTYPE
        out.addfile(folder)
        for name in ("./a/1.mp4", "a//2.mp4", "./a/._1.mp4", ".cache/3.mp4"):
            out.addfile(tarfile.TarInfo(name))
    assert list(tar.members(tmp_path / "x.tar")) == ["a/1.mp4", "a/2.mp4"]


def test_a_tar_is_read_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))
    path = pack(tmp_path / "x.tar", [("1.mp4", b"1")])
    tar.members(path)
    tar._members.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(tar, "_scan", lambda *_: pytest.fail("it was read again"))
        assert list(tar.members(path)) == ["1.mp4"]
    pack(path, [("0.mp4", b"0" * 600), ("1.mp4", b"1")])
    assert tar.extent(Path(f"{path}::1.mp4")).size == 1
    assert list(tar.members(path)) == ["0.mp4", "1.mp4"]


@pytest.mark.parametrize("name", ["../up.mp4", "a/../../up.mp4", "/etc/x.mp4", "..\\up.mp4", "\\x.mp4", ".."])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    pack(tmp_path / "x.tar", [("good.mp4", b"abc"), (name, b"")])
    with pytest.raises(UsageError, match=r"x\.tar: member .* at byte 1,024: its name leads out of the shard"):
        tar.members(tmp_path / "x.tar")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "a link"),
        ({"type": tarfile.SYMTYPE, "linkname": "good.mp4"}, "a link"),
        ({"type": tarfile.LNKTYPE, "linkname": "good.mp4"}, "a link"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}, "a device"),
        ({"type": tarfile.BLKTYPE}, "a device"),
        ({"type": tarfile.FIFOTYPE}, "a device"),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, fields: dict[str, object], kind: str) -> None:
    with pytest.raises(UsageError, match=rf"'odd\.mp4' at byte 1,024: {kind}; wanted files only"):
        tar.members(special(tmp_path / "x.tar", **fields))


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 50)}
    path = special(tmp_path / "x.tar", type=tarfile.REGTYPE, pax_headers=headers)
    with pytest.raises(UsageError, match=r"'odd\.mp4' at byte .*: a sparse file; wanted files only"):
        tar.members(path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    pack(tmp_path / "x.tar", [(os.fsdecode(b"caf\xe9.mp4"), b"x")], tarfile.GNU_FORMAT)
    with pytest.raises(UsageError, match=r"caf\\udce9\.mp4' at byte 0: its name is not UTF-8"):
        tar.members(tmp_path / "x.tar")


@pytest.mark.parametrize("second", ["1.mp4", "./1.mp4"])
def test_two_members_of_one_name_are_refused(tmp_path: Path, second: str) -> None:
    pack(tmp_path / "x.tar", [("1.mp4", b"a"), (second, b"b")])
    with pytest.raises(UsageError, match=r"member '1\.mp4' at byte 1,024 is there twice"):
        tar.members(tmp_path / "x.tar")


def test_a_tar_that_breaks_off_anywhere_is_refused_with_the_byte(tmp_path: Path) -> None:
    whole = pack(tmp_path / "x.tar", [(f"{i}.mp4", bytes([i]) * 700) for i in range(3)]).read_bytes()
    content = 3 * (512 + 1024)
    for size in [*range(1, content, 173), 512, 1024, 1536, content - 1, content, content + 511]:
        path = tmp_path / f"{size}.tar"
        path.write_bytes(whole[:size])
        with pytest.raises(UsageError, match=rf"{size}\.tar: .*(byte|breaks off)"):
            tar.members(path)
    path = tmp_path / "least.tar"
    path.write_bytes(whole[: content + 512])
    assert len(tar.members(path)) == 3


def test_a_damaged_header_is_refused_and_not_the_end(tmp_path: Path) -> None:
    data = bytearray(pack(tmp_path / "x.tar", [(f"{i}.mp4", b"x") for i in range(3)]).read_bytes())
    data[1024 + 3] ^= 255
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(UsageError, match="damaged at byte 1,024: wanted the header of a member"):
        tar.members(tmp_path / "x.tar")


def test_tars_strung_together_are_refused_since_readers_stop_at_the_first(tmp_path: Path) -> None:
    one = pack(tmp_path / "1.tar", [("1.mp4", b"x")]).read_bytes()
    (tmp_path / "x.tar").write_bytes(one + one)
    with pytest.raises(UsageError, match=r"ends at byte 1,024 and yet goes on.*tar -A"):
        tar.members(tmp_path / "x.tar")


@pytest.mark.parametrize(
    ("press", "name"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]
)
def test_compressed_tars_are_refused_whatever_they_are_called(
    tmp_path: Path, press: Callable[[bytes], bytes], name: str
) -> None:
    plain = pack(tmp_path / "1.tar", [("1.mp4", bytes(1 << 20))]).read_bytes()
    (tmp_path / "x.tar").write_bytes(press(plain))
    with pytest.raises(UsageError, match=rf"compressed \({name}\).*Unpack it to a plain tar"):
        tar.members(tmp_path / "x.tar")


@pytest.mark.parametrize("content", [b"", b"not a tar" * 100])
def test_what_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(UsageError, match=r"not a whole tar from byte 0|damaged at byte 0"):
        tar.members(tmp_path / "x.tar")


def test_headers_and_members_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "long.tar", "w") as out:
        member = tarfile.TarInfo("1.mp4")
        member.pax_headers = {"comment": "x" * 2_000_000}
        out.addfile(member)
    with pytest.raises(UsageError, match=r"not a whole tar from byte 0 on .*a header of 2000384 bytes"):
        tar.members(tmp_path / "long.tar")
    pack(tmp_path / "many.tar", [(f"{i}.mp4", b"") for i in range(5)])
    monkeypatch.setattr(tar, "MEMBERS", 4)
    with pytest.raises(UsageError, match="more than 4 members"):
        tar.members(tmp_path / "many.tar")


def test_paths_without_a_tar_are_files_and_what_is_missing_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"abc")
    pack(tmp_path / "x.tar", [("1.mp4", b"x")])
    assert tar.extent(tmp_path / "a.mp4") == (tmp_path / "a.mp4", 0, 3)
    for path, said in (
        (tmp_path / "b.mp4", "no such file"),
        (tmp_path, "not a file"),
        (Path(f"{tmp_path}/y.tar::1.mp4"), "no such file"),
        (Path(f"{tmp_path}/x.tar::2.mp4"), "no such member"),
    ):
        with pytest.raises(OSError, match=said):
            tar.extent(path)
        assert not tar.is_there(path)
