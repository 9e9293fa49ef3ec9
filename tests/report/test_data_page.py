"""The doctor's page: whole in itself, hostile names are text, pictures show what was found."""

import base64
import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from muybridge.cli.main import main
from muybridge.data.decode import video

EVIL = 'x"><img src=x onerror=alert(1)><script>alert(2)<'


class Page(HTMLParser):
    """Tags, their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def noise(seed: int, frames: int = 24) -> np.ndarray:
    colours = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    still = np.kron(colours, np.ones((6, 6, 1), np.uint8))
    return np.stack([np.roll(still, at // 2, axis=1) for at in range(frames)])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    root = tmp_path_factory.mktemp("page")
    data = root / "data"
    for name in ("train/a", f"train/{EVIL}", "test/a"):
        (data / name).mkdir(parents=True)
    for at, name in enumerate(("train/a/0.mp4", "train/a/1.mp4", f"train/{EVIL}/2.mp4", "test/a/3.mp4")):
        video.write(data / name, noise(at), 12)
    shutil.copy(data / "train/a/0.mp4", data / "test/a/leak.mp4")
    video.write(data / f"train/a/{EVIL}.mp4", np.concatenate([noise(8, 20), noise(9, 20)]), 12)
    (data / "train/a/broken.mp4").write_bytes(b"no video")
    assert main(["data", "doctor", str(data), "--html", str(root / "page.html"), "--workers", "1"]) == 1
    return (root / "page.html").read_text(encoding="utf-8"), data


def test_nothing_comes_from_outside_and_no_name_is_markup(page):
    read = Page(page[0])
    assert not {tag for tag, _ in read.tags} & {"script", "iframe", "object", "embed"}
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
    links = [value for _, attrs in read.tags for name, value in attrs.items() if name in ("src", "href")]
    assert links
    assert all(str(value).startswith("data:") for value in links)
    assert "url(" not in page[0]
    assert "@import" not in page[0]
    assert EVIL in read.text


def test_what_spoils_comes_first_with_pictures_of_both_sides(page):
    text = Page(page[0]).text
    order = [
        text.index(words) for words in ("leak (1)", "broken (1)", "cut (", "Classes", "Made by Muybridge")
    ]
    assert order == sorted(order)
    for name in ("test/a/leak.mp4", "train/a/0.mp4"):
        assert re.search(rf"{re.escape(name)}, frames 0, 5, 9, 14, 18, 23", text)


def test_pictures_are_those_of_the_frames_named(page):
    text, data = page
    pictures = {attrs["alt"]: str(attrs["src"]) for tag, attrs in Page(text).tags if tag == "img"}
    source = pictures["frames 19, 20 of " + f"train/a/{EVIL}.mp4"]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB"))
    before, behind = video.read(data / f"train/a/{EVIL}.mp4", [19, 20], height=64, width=96, fit="squash")
    assert shown.shape == (64, 2 * 96 + 2, 3)
    for part, own, other in ((shown[:, :96], before, behind), (shown[:, 98:], behind, before)):
        assert 5 * off(part, own) < off(part, other)  # 256 colours in all


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_many_findings_are_named_and_counted(tmp_path: Path):
    rows = "\n".join(f"{i}.mp4,{'ab'[i % 2]}" for i in range(250))
    (tmp_path / "list.csv").write_text(f"path,label\n{rows}\n")
    video.write(tmp_path / "0.mp4", noise(0), 12)
    page = tmp_path / "page.html"
    assert main(["data", "doctor", str(tmp_path / "list.csv"), "--html", str(page), "--workers", "1"]) == 1
    text = Page(page.read_text(encoding="utf-8")).text
    assert "missing (249)" in text
    assert "188 more" in text
    assert "And 49 more" in text
