import numpy as np
import pytest
import torch
from PIL import ImageDraw

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.perturb import TYPES, sheet
from muybridge.perturb.apply import perturb
from muybridge.perturb.profiles import profile_of

PROFILE = "release-2023"
H, W = 36, 54


def clip(t: int = 8) -> Clip:
    noise = torch.randint(
        0, 256, (1, 3, t, H, W), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return Clip(noise, torch.tensor([-1]), ("a.mp4",))


@pytest.fixture(scope="module")
def drawn() -> tuple[list[str], np.ndarray, list[tuple[int, int]]]:
    """Texts of a sheet, its pixels, and what ``tell`` heard."""
    heard: list[tuple[int, int]] = []
    texts: list[str] = []
    write = ImageDraw.ImageDraw.text

    def noted(self, place, text, colour, *args, **settings):
        if colour == sheet.INK:  # what a type is, below its name, has words of other types
            texts.append(text)
        write(self, place, text, colour, *args, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageDraw.ImageDraw, "text", noted)
        page = sheet.draw(clip(), PROFILE, "a.mp4", tell=lambda done, total: heard.append((done, total)))
    return texts, np.asarray(page), heard


def test_every_type_category_severity_and_name_is_said(drawn):
    texts, _, heard = drawn
    held = profile_of(PROFILE).types
    for category, types in TYPES.items():
        assert (category.capitalize() in texts) == any(type in held for type in types)
        for type in types:
            assert (type in texts) == (type in held)
    assert any(PROFILE in text and "a.mp4" in text for text in texts)
    assert {"clean", *(f"severity {s}" for s in range(1, 6))} <= set(texts)
    assert heard == [(i + 1, len(held)) for i in range(len(held))]


def test_cells_are_shown_pixel_for_pixel(drawn):
    _, pixels, _ = drawn
    left, top = sheet.MARGIN + sheet.LABELS, sheet.TOP + sheet.HEADING
    for column in range(6):
        name, severity = ("gaussian_noise", column) if column else ("clean", 0)
        shown = perturb(clip(), name, severity, profile=PROFILE, dataset=sheet.SHEET, views=[0]).frames
        x = left + column * (W + sheet.GAP)
        found = pixels[top : top + H, x : x + W]
        assert np.array_equal(found, shown[0, :, 4].permute(1, 2, 0).numpy())


def test_nothing_is_cut_off(drawn):
    _, pixels, _ = drawn
    for edge in (pixels[:10], pixels[-10:], pixels[:, :10], pixels[:, -10:]):
        assert (edge == 255).all()


def test_a_strip_numbers_its_frames_and_colours_the_whole_order():
    frames = np.stack([np.full((30, 40, 3), 20 * t, np.uint8) for t in range(8)])
    order = np.array([7, 0, 1, 1, 2, 3, 4, 5])
    picture, corners = sheet.strip(sheet.Cell(frames, order), bar=True)
    chosen = [0, 1, 3, 4, 6, 7]
    assert [frame for *_, frame in corners] == order[chosen].tolist()
    for (x, y, _), index in zip(corners, chosen, strict=True):
        assert (picture[y : y + 8, x : x + 8] == 20 * index).all()
    bar = [tuple(picture[-1, 5 * t + 1].tolist()) for t in range(8)]
    assert bar[2] == bar[3]
    assert len(set(bar)) == 7
    assert sum(bar[0][:2]) > sum(bar[1][:2]), "later frames are lighter"
    assert sheet.strip(sheet.Cell(frames, order), bar=False)[0].shape[0] < picture.shape[0]


@pytest.mark.parametrize("t", [2, 5])
def test_short_clips_show_what_they_have(t: int):
    frames = np.zeros((t, 30, 40, 3), np.uint8)
    _, corners = sheet.strip(sheet.Cell(frames, np.arange(t)), bar=True)
    assert [frame for *_, frame in corners] == list(range(t))


def test_a_cell_tells_the_order_it_shows():
    numbered = torch.arange(8, dtype=torch.uint8).view(1, 1, 8, 1, 1).expand(1, 3, 8, 4, 4)
    one = Clip(numbered, torch.tensor([-1]), ("a",))
    for type in ("jumbling", "freezing", "sampling"):
        found = sheet.cell(one, type, 5, "muybridge-1", seed=3)
        assert found.frames[:, 0, 0, 0].tolist() == found.order.tolist() != list(range(8))
    assert sheet.cell(one, "clean", 0, "muybridge-1").order.tolist() == list(range(8))


def test_bad_input_is_refused():
    with pytest.raises(UsageError, match="muybridge-1"):
        sheet.draw(clip(), "muybridge-2", "a.mp4")
    with pytest.raises(ValueError, match="at least two"):
        sheet.draw(clip(1), PROFILE, "a.mp4")
