"""Names from outside: what is a plain file name passes, everything else is refused before anything is touched."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_names import (
    NameRefusedError,
    inner_path,
    is_plain,
    plain_name,
    plain_names,
    short_name,
)

OURS = (
    "config.yaml", "env.json", "metrics.jsonl", "weights.safetensors", "weights-25.safetensors", "predictions.parquet",
    "predictions-best-validation.parquet", "controls.parquet", "strips.npz", "rows.bin", "A_b-c.1",
)  # fmt: skip
REFUSED = (
    "", ".", "..", "...",
    "/etc/passwd", "a/b", "../a", "a\\b", "..\\a", "C:a", "c:\\a", "\\\\host\\share", "a\0", "\0", ".bashrc", ".lock",
    "a.",
    "a ", " a", "a b", "a\n", "a\r", "\ta", "con", "NUL", "nul.txt", "Com1.parquet", "LPT9", "aux.json",
    "a:b", "a*", "a?", "a|b", "a<b", 'a"b',
    "~", "~/a", "$HOME", "%TEMP%", "-rf",
    "naïve", "predictions․parquet", "．．", "ａ", "a／b", "a∕b", "a\u202eb", "a\u200b", "e\u0301",
    "\N{GRINNING FACE}", "\ud800", "a" * 129, "x" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_every_file_of_a_run_is_plain(name: str):
    assert plain_name(name, "here") == name


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_what_could_lead_elsewhere_on_any_system_is_refused(name: str):
    assert not is_plain(name)
    with pytest.raises(NameRefusedError, match=r"^the store: names a file .*Nothing was touched"):
        plain_name(name, "the store")


@pytest.mark.parametrize("name", [None, 3, b"a", ["a"], {"a": 1}, 1.5, True], ids=repr)
def test_what_is_no_text_is_no_name(name: object):
    with pytest.raises(NameRefusedError):
        plain_name(name, "here")


@given(st.text())
def test_a_plain_name_has_one_part_of_seven_bit_letters(name: str):
    if is_plain(name):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name, re.ASCII)
        assert not name.endswith(".")
        assert len(name) <= 128


def test_two_names_for_one_file_of_a_system_without_capitals_are_refused():
    assert plain_names({"a.json": 1, "b.json": 2}, "here") == ["a.json", "b.json"]
    with pytest.raises(NameRefusedError, match="capitals"):
        plain_names(["a.json", "A.json"], "here")


@pytest.mark.parametrize(
    "path", ["a.avi", "Class/v_a.avi", "sport (indoor)/ü.mp4", "a..b/c", "日本/動画.mp4"]
)
def test_paths_that_stay_below_their_folder_pass(path: str):
    assert inner_path(path, "list") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/a",
        "//a",
        "../a",
        "a/../../b",
        "a/..",
        "..\\a",
        "a\\..\\b",
        "\\a",
        "C:/a",
        "c:a",
        "a\0b",
        "x" * 256,
        "ü" * 128 + ".mp4",
    ],
)
def test_paths_that_lead_out_are_refused(path: str):
    with pytest.raises(MuybridgeError, match=r"^list: "):
        inner_path(path, "list")


@given(st.lists(st.text(), max_size=3))
def test_names_that_we_make_are_plain_or_empty(words: list[str]):
    name = short_name(" ".join(words))
    assert name == "" or is_plain(f"{name}.tex")
    assert len(name) <= 100


def test_long_names_that_differ_at_their_end_stay_apart():
    first, second = (short_name("a" * 300 + end) for end in "xy")
    assert first != second
    assert short_name("Accuracy of VCOP, 3 x 4") == "accuracy-of-vcop-3-x-4"
    assert [short_name(word) for word in ("COM0", "nul", "com10")] == ["com0-", "nul-", "com10"]
