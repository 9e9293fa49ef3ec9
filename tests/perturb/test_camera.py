import hashlib

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import map_coordinates
from skimage import data
from torch import Tensor

from muybridge.perturb import camera
from muybridge.perturb.ladders_time import LADDERS
from muybridge.perturb.streams import Streams, streams

RAMP = (37 * torch.arange(3 * 4 * 20 * 24) % 251).view(1, 3, 4, 20, 24).to(torch.uint8)
GREY = torch.full((2, 3, 4, 20, 24), 200, dtype=torch.uint8)


def photo(size: int = 96, width: int | None = None, clips: int = 1, t: int = 4) -> Tensor:
    picture = torch.from_numpy(data.astronaut()[60 : 60 + size, 150 : 150 + (width or size)].copy())
    return picture.permute(2, 0, 1)[None, :, None].repeat(clips, 1, t, 1, 1)


def named(b: int, seed: int = 0) -> Streams:
    return streams("test", "test", [f"{i}" for i in range(b)], [0] * b, "type", 1, seed)


def checksum(clip: Tensor) -> str:
    return hashlib.sha256(clip.contiguous().numpy().tobytes()).hexdigest()[:16]


def picture(clip: Tensor, frame: int = 0) -> np.ndarray:
    return clip[0, :, frame].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("degrees", [7.5, 15, 30, 45, 90, -20])
@pytest.mark.parametrize("size", [(96, 96), (61, 84)])
def test_nearest_rotation_is_pillows(degrees: float, size: tuple[int, int]):
    clip = photo(*size)
    turned = camera.static_rotation_nearest(clip, named(1), degrees=degrees)
    expected = np.array(Image.fromarray(picture(clip)).rotate(degrees))
    differ = (picture(turned) != expected).any(-1).mean()
    assert differ < 0.005, "ties between pixels may fall the other way"
    assert torch.equal(turned[:, :, 0], turned[:, :, 3])


def test_a_quarter_turn_is_exact():
    clip = photo()
    expected = torch.rot90(clip, 1, (3, 4))
    assert torch.equal(camera.static_rotation(clip, named(1), degrees=90), expected)
    assert torch.equal(camera.static_rotation_nearest(clip, named(1), degrees=90), expected)


@pytest.mark.parametrize("degrees", [7.5, 30, 45, -63])
def test_bilinear_rotation_is_scipys_with_mirrored_edges(degrees: float):
    clip = photo(64, 90)
    angle = np.deg2rad(degrees)
    y, x = np.mgrid[:64, :90] - np.array([31.5, 44.5])[:, None, None]
    places = [y * np.cos(angle) + x * np.sin(angle) + 31.5, x * np.cos(angle) - y * np.sin(angle) + 44.5]
    turned = camera.static_rotation(clip, named(1), degrees=degrees)
    for channel in range(3):
        expected = map_coordinates(picture(clip)[..., channel].astype(float), places, order=1, mode="reflect")
        difference = np.abs(turned[0, channel, 0].numpy() - expected)
        assert difference.max() <= 2
        assert difference.mean() < 0.4


@pytest.mark.parametrize("t", [1, 2, 16])
def test_a_smooth_path_reaches_its_radius_and_turns_little_from_frame_to_frame(t: int):
    for axes in (1, 2):
        for seed in range(20):
            path = camera.smooth_path(t, axes, named(1, seed).rng(0))
            radius = np.linalg.norm(path, axis=0)
            assert path.shape == (axes, t)
            assert radius.max() == pytest.approx(1)
            if t == 16:
                assert np.abs(np.diff(path, axis=1)).max() < 0.75
                assert np.abs(path.mean(axis=1)).max() < 1e-12


def test_smooth_paths_change_less_between_frames_than_published_jitter():
    smooth = np.stack([camera.smooth_path(16, 1, named(1, i).rng(0))[0] for i in range(200)])
    jitter = np.random.default_rng(0).uniform(-1, 1, (200, 16))
    coherence = [np.square(np.diff(path)).mean() / np.square(path).mean() for path in (smooth, jitter)]
    assert coherence[0] < 0.15 * coherence[1]


def test_random_rotation_turns_each_frame_by_its_place_on_the_path():
    clip = photo(clips=2, t=5)
    turned = camera.random_rotation(clip, named(2), degrees=31)
    for i in range(2):
        angles = 31 * camera.smooth_path(5, 1, named(2).rng(i))[0]
        for t, angle in enumerate(angles):
            alone = camera.static_rotation(clip[:1, :, :1], named(1), degrees=angle)
            assert torch.equal(turned[i : i + 1, :, t : t + 1], alone)


def test_jittered_rotation_draws_whole_degrees_anew_for_every_frame():
    clip = photo(96, t=60)
    turned = camera.random_rotation_nearest(clip, named(1), degrees=2)
    kinds = {
        checksum(camera.static_rotation_nearest(clip[:, :, :1], named(1), degrees=d)): d for d in range(-2, 3)
    }
    drawn = [kinds[checksum(frame)] for frame in turned.split(1, 2)]
    assert set(drawn) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize(("rows", "columns"), [(3, -5), (0, 0), (-7, 2)])
def test_whole_shifts_are_slices(rows: int, columns: int):
    clip = photo(40, 50)
    maps = camera.shifts(np.array([[[rows, columns]]], float))
    moved = picture(camera.bilinear(clip, maps))
    mirrored = np.pad(picture(clip), ((9, 9), (9, 9), (0, 0)), "symmetric")
    assert np.array_equal(moved, mirrored[9 + rows : 49 + rows, 9 + columns : 59 + columns])
    black = np.pad(picture(clip), ((9, 9), (9, 9), (0, 0)))
    assert np.array_equal(
        picture(camera.nearest(clip, maps)), black[9 + rows : 49 + rows, 9 + columns : 59 + columns]
    )


def test_translation_goes_as_far_as_it_says():
    ramp = torch.arange(112, dtype=torch.uint8).expand(1, 3, 16, 112, 112)
    both = torch.stack([ramp[0], ramp[0].transpose(2, 3)])
    same = Streams(np.repeat(named(1).keys, 2, axis=0))
    moved = camera.translation(both, same, shift=32).float() - both
    offset = torch.stack([moved[0, 0, :, 56, 56], moved[1, 0, :, 56, 56]])
    assert offset.norm(dim=0).max() == pytest.approx(16, abs=0.8), "half of 32 at half the size"
    assert offset.diff(dim=1).abs().max() < 8


def test_the_canvas_mirrors_its_margin_and_is_black_beyond():
    clip = GREY[..., :16, :16].clone()
    clip[..., 0, :] = 100
    moved = camera.translation_on_canvas(clip, named(2), shift=800)
    assert (moved == 0).any()
    assert set(moved.unique().tolist()) <= {0, 100, 200}
    at_224 = camera.translation_on_canvas(photo(224, t=12), named(1), shift=40)
    padded = np.pad(picture(photo(224)), ((16, 16), (16, 16), (0, 0)), "symmetric")
    padded = np.pad(padded, ((0, 8), (0, 8), (0, 0)))
    for t, (a, b) in enumerate(named(1).rng(0).integers(0, 41, (12, 2))):
        assert np.array_equal(picture(at_224, t), padded[a : a + 224, b : b + 224])


def test_translation_of_the_release_is_one_draw_from_the_top_left():
    clip = photo(112, clips=8)
    moved = camera.translation_once(clip, named(8), shift=40)
    for i in range(8):
        a, b = named(8).rng(i).integers(0, 20, 2)
        assert torch.equal(moved[i, :, :, : 112 - a, : 112 - b], clip[i, :, :, a:, b:])
        assert not moved[i, :, :, 112 - a :].any()
        assert not moved[i, ..., 112 - b :].any()


TYPES = [
    (profile, type, target.partition(":")[2], parameters)
    for profile, rows in LADDERS.items()
    for type, (target, parameters) in rows.items()
    if ":" in target and target.startswith(camera.__name__ + ":")
]


@pytest.mark.parametrize(
    ("profile", "type", "function", "parameters"), TYPES, ids=lambda value: str(value)[:20]
)
def test_shape_input_and_batch(profile: str, type: str, function: str, parameters: dict):
    clips = torch.cat([photo(33, 40, t=3), photo(33, 40, t=3).flip(3)]).transpose(3, 4)
    before, name = clips.clone(), next(iter(parameters))
    for value in parameters[name]:
        together = getattr(camera, function)(clips, named(2), **{name: value})
        assert (together.shape, together.dtype) == (clips.shape, torch.uint8)
        assert torch.equal(clips, before)
        alone = getattr(camera, function)(clips[1:], Streams(named(2).keys[1:]), **{name: value})
        assert torch.equal(alone, together[1:])
        assert getattr(camera, function)(clips[:, :, :1], named(2), **{name: value}).shape[2] == 1


def test_an_even_picture_stays_even_under_mirrored_edges():
    for moved in (
        camera.static_rotation(GREY, named(2), degrees=33),
        camera.random_rotation(GREY, named(2), degrees=31),
        camera.translation(GREY, named(2), shift=40),
    ):
        assert torch.equal(moved, GREY)


GOLDEN = {
    "static_rotation": [
        "5b1301863b21afb3",
        "8dcd02645b263be2",
        "b2e2192677579eb4",
        "3852727b2ca646d0",
        "8ceb219ac5620ce8",
    ],
    "random_rotation": [
        "40f90249e027484e",
        "94c3a80a6d257900",
        "1f9ec6c153b7da36",
        "9389185b1466440b",
        "9a4730ab5b4b52d9",
    ],
    "translation": [
        "684521a2bf53bd6f",
        "116bb5dfe15754e5",
        "309ea11349c207aa",
        "a81f413bc58b0753",
        "f4347a755137dbfb",
    ],
    "static_rotation_nearest": [
        "a24582b057c27e96",
        "4d6f9a67ab3da765",
        "95a258e9af7d68fd",
        "6f033ede296e7ae6",
        "a270d3d80ebfdf43",
    ],
    "random_rotation_nearest": [
        "6b8f853feb7a243d",
        "ed2323dc61b94261",
        "4e7f0e98c24820a8",
        "285532faf56f1ddb",
        "8fe8a40e021991bb",
    ],
    "held_rotation": [
        "2cfced1df0ab0cc1",
        "c9dfdd4a77004e6d",
        "8e89a7e86ddb1e09",
        "96e783e9b860b79f",
        "9e792f9e04660b11",
    ],
    "swinging_rotation": [
        "44ea26e2249ef1e7",
        "45c69c734bdb3ff2",
        "545658c3da457352",
        "fee955a49d09734e",
        "5b30dc288a3a4c80",
    ],
    "jittered_rotation": [
        "1497c4d87141c7be",
        "006358e999d5106f",
        "562d9a41fb737416",
        "4d068fc0251f7e52",
        "7dcf060b4b837fa8",
    ],
    "translation_on_canvas": [
        "49765a56d396263a",
        "49765a56d396263a",
        "764781645b4d9184",
        "1f773c9d38837564",
        "1624dbf7c008ecd9",
    ],
    "translation_once": [
        "454fe39db58a754d",
        "454fe39db58a754d",
        "f6de000340393265",
        "06ece3ad195387f1",
        "35c076572dbe51fb",
    ],
}


@pytest.mark.parametrize(
    ("profile", "type", "function", "parameters"), TYPES, ids=lambda value: str(value)[:20]
)
def test_golden_bytes(profile: str, type: str, function: str, parameters: dict):
    name, values = next(iter(parameters.items()))
    found = [checksum(getattr(camera, function)(RAMP, named(1), **{name: value})) for value in values]
    assert found == GOLDEN[function]


@pytest.mark.parametrize("size", [(40, 40), (96, 80)])
def test_a_shift_row_by_row_is_a_shift_by_map(size: tuple[int, int]) -> None:
    frames = torch.randint(
        0, 256, (2, 3, 9, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    offset = np.random.default_rng(0).uniform(-20, 20, (2, 9, 2))
    assert torch.equal(camera.shifted(frames, offset), camera.bilinear(frames, camera.shifts(offset)))


def test_places_far_outside_are_mirrored_again_and_again() -> None:
    row = torch.arange(-23, 29, dtype=torch.int32)
    both = torch.arange(5).tolist() + torch.arange(5).flip(0).tolist()
    assert camera._mirrored(row, 5).tolist() == [both[place % 10] for place in row.tolist()]
