from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest
import torch
from golden_clip import golden_clip
from torch import Tensor

from muybridge.core import catalogue
from muybridge.core.clip import Clip
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.perturb import PERTURBATIONS, TYPES
from muybridge.perturb.apply import conditions, perturb
from muybridge.perturb.profiles import DEFAULT, PROFILES, SEVERITIES, Ladder, ladder
from runtime_types import unchecked

CELLS = [(profile.name, type) for profile in PROFILES.values() for type in profile.types]
DRAWN = [
    "gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "motion_blur", "freezing", "random_rotation",
]  # fmt: skip


def five(t: int = 8, h: int = 40, w: int = 48) -> Clip:
    """Five clips of three videos."""
    frames = torch.cat([golden_clip(t, h, w).frames] * 3)[:5].roll(1, 0)
    return Clip(frames, torch.arange(5), ["a", "a", "b", "b", "c"])


VIEWS = [0, 1, 0, 1, 0]


def cell(clip: Clip, type: str, severity: int = 3, views: list[int] = VIEWS, **other) -> Tensor:
    return perturb(clip, type, severity, dataset="d", views=views, **other).frames


def rows(clip: Clip, chosen: list[int]) -> Clip:
    return replace(
        clip, frames=clip.frames[chosen], label=clip.label[chosen], video=[clip.video[i] for i in chosen]
    )


@pytest.mark.parametrize(("profile", "type"), CELLS)
def test_bits_depend_on_neither_batch_nor_order_nor_memory(profile: str, type: str):
    clip, before = five(), five().frames
    whole = cell(clip, type, profile=profile)
    assert (whole.shape, whole.dtype) == (before.shape, torch.uint8)
    order = [3, 0, 4, 2, 1]
    shuffled = cell(rows(clip, order), type, views=[VIEWS[i] for i in order], profile=profile)
    assert torch.equal(shuffled, whole[order])
    for i in range(5):
        assert torch.equal(cell(rows(clip, [i]), type, views=[VIEWS[i]], profile=profile)[0], whole[i])
    large = torch.zeros(5, 3, 8, 44, 50, dtype=torch.uint8)
    large[..., 2:42, 1:49] = before
    assert torch.equal(cell(replace(clip, frames=large[..., 2:42, 1:49]), type, profile=profile), whole)
    assert torch.equal(clip.frames, before)


@pytest.mark.parametrize("type", DRAWN)
def test_video_view_data_set_seed_and_profile_change_the_bits(type: str):
    clip = golden_clip(16)
    here = cell(clip, type, views=[0, 0])
    others = {
        "view": cell(clip, type, views=[1, 1]),
        "video": cell(replace(clip, video=["x", "y"]), type, views=[0, 0]),
        "seed": cell(clip, type, views=[0, 0], seed=1),
        "data set": perturb(clip, type, 3, dataset="e", views=[0, 0]).frames,
        "profile": cell(clip, type, views=[0, 0], profile="samples-2022"),
    }
    for name, there in others.items():
        assert not torch.equal(here, there), name


def test_the_controls_return_the_clip_in_every_profile():
    for profile in PROFILES:
        for control in ("clean", "identity", "lossless"):
            assert torch.equal(cell(five(), control, 0, profile=profile), five().frames)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5])
def test_severities_run_from_1_to_5(severity):
    with unchecked(), pytest.raises(UsageError, match=r"wanted 1 to 5"):
        cell(five(), "shot_noise", severity)
    with unchecked(), pytest.raises(UsageError, match=r"wanted 1 to 5"):
        conditions(types=["shot_noise"], severities=[severity])


def test_an_unknown_type_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'gaussian_noise'"):
        cell(five(), "gausian_noise")


def test_a_type_of_another_profile_names_the_profiles_that_hold_it():
    with pytest.raises(UsageError, match="muybridge-1 has no rain; mini-kinetics-c has it"):
        cell(five(), "rain")


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'samples-2022'"):
        cell(five(), "jpeg", profile="sample-2022")


def test_frames_of_another_type_or_layout_are_refused():
    with unchecked(), pytest.raises(ValueError, match="wanted uint8"):
        replace(five(), frames=five().frames.float())
    with pytest.raises(ValueError, match="wanted uint8"):
        replace(five(), frames=five().frames.transpose(1, 2))


@pytest.mark.parametrize("type", TYPES["temporal"])
def test_temporal_types_need_two_frames(type: str):
    profile = PERTURBATIONS[type].facts["profiles"][0]
    with pytest.raises(ValueError, match="at least two, got 1"):
        cell(five(1), type, profile=profile)


@pytest.mark.parametrize(("profile", "type"), [cell for cell in CELLS if cell[1] not in TYPES["temporal"]])
@pytest.mark.parametrize("size", [(1, 33, 37), (2, 16, 50)])
def test_one_frame_and_odd_sizes_are_served(profile: str, type: str, size: tuple[int, int, int]):
    clip = golden_clip(*size)
    for severity in (1, 5):
        assert cell(clip, type, severity, [0, 0], profile=profile).shape == clip.frames.shape


def test_a_grid_is_clean_the_control_and_every_cell():
    cells = conditions()
    assert cells[:3] == [("clean", 0), ("lossless", 0), ("horizontal_flip", 0)]
    assert cells[3:] == [(type, s) for type in PROFILES[DEFAULT].types for s in SEVERITIES]
    assert len(cells) == 3 + 90
    assert conditions("ssl-noise", ["shot_noise"], [1, 3]) == [
        ("clean", 0),
        ("shot_noise", 1),
        ("shot_noise", 3),
    ]
    with pytest.raises(UsageError, match="ssl-noise has no jpeg"):
        conditions("ssl-noise", ["jpeg"])


def test_the_default_profile_holds_the_18_published_types():
    counts = {
        category: sum(type in PROFILES[DEFAULT].types for type in types) for category, types in TYPES.items()
    }
    assert counts == {
        "noise": 4,
        "blur": 3,
        "digital": 3,
        "temporal": 5,
        "camera": 3,
        "weather": 0,
        "colour": 0,
    }


def test_every_type_is_listed_and_every_target_loads():
    assert {type for profile in PROFILES.values() for type in profile.types} == set(PERTURBATIONS)
    for profile in PROFILES.values():
        for one in profile.types.values():
            assert callable(one.load())
            assert len(one.severities) == 5


def brighter(frames: Tensor, streams: object, *, by: int) -> Tensor:
    return frames.clamp(max=255 - by) + by


def halved(frames: Tensor, streams: object) -> Tensor:
    return frames[..., ::2]


OUTSIDE = {
    "brighter": ladder("muybridge_outside:brighter", by=(1, 2, 3, 4, 5)),
    "halved": ladder("muybridge_outside:halved"),
}


def test_outside_types_join_any_profile_and_must_keep_the_shape(monkeypatch: pytest.MonkeyPatch):
    points = [EntryPoint(name, f"muybridge_outside:{name}", "muybridge.perturbations") for name in OUTSIDE]
    found = lambda group, name=None: [point for point in points if name in (None, point.name)]  # noqa: E731
    monkeypatch.setattr(EntryPoint, "load", lambda self: OUTSIDE[self.name])
    monkeypatch.setattr(catalogue, "entry_points", lambda group, name=None: Found(found(group, name)))
    monkeypatch.setattr(
        Ladder, "load", lambda self: {"brighter": brighter, "halved": halved}[self.target.split(":")[1]]
    )
    assert torch.equal(cell(five(), "brighter", 4), brighter(five().frames, None, by=4))
    with pytest.raises(MuybridgeError, match="muybridge_outside:halved: gave"):
        cell(five(), "halved")


class Found(list):
    @property
    def names(self) -> set[str]:
        return {point.name for point in self}


def test_a_single_frame_is_the_middle_one_all_the_time():
    clip = five(t=7)
    shown = cell(clip, "single_frame")
    assert torch.equal(shown, clip.frames[:, :, 3:4].expand_as(clip.frames))
    assert torch.equal(cell(five(t=8), "single_frame"), five(t=8).frames[:, :, 4:5].expand(-1, -1, 8, -1, -1))


@pytest.mark.parametrize(("h", "w"), [(40, 48), (32, 32), (33, 47)])
def test_the_masks_hide_halves_that_make_up_the_picture(h: int, w: int):
    clip = five(h=h, w=w)
    before = torch.where(clip.frames == 128, 129, clip.frames)  # so that grey tells what is hidden
    clip = replace(clip, frames=before)
    middle, border = (cell(clip, name) == 128 for name in ("centre_masked", "border_masked"))
    assert not (middle & border).any()
    assert (middle | border).all()
    assert middle[..., h // 2, w // 2].all()
    assert border[..., 0, 0].all()
    assert middle.float().mean() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(cell(clip, "centre_masked")[~middle], before[~middle])
    assert torch.equal(cell(clip, "border_masked")[~border], before[~border])


def test_single_cells_and_controls_stand_where_they_are_named():
    found = conditions(types=["reversal:1", "jpeg:3", "single_frame", "jpeg:3", "clean"], severities=(2, 4))
    assert found == [("clean", 0), ("horizontal_flip", 0), ("reversal", 1), ("jpeg", 3), ("single_frame", 0)]
    assert conditions(types=["jpeg", "jpeg:4"], severities=(2, 4))[1:] == [("jpeg", 2), ("jpeg", 4)]
    assert ("lossless", 0) in conditions(types=["mpeg4:2"])


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("jpeg:9", "severity 9"),
        ("jpeg:x", "TYPE:SEVERITY"),
        ("single_frame:1", "no severities"),
        ("jpg:3", "jpeg"),
    ],
)
def test_words_that_are_no_cell_are_refused(word: str, says: str):
    with pytest.raises(UsageError, match=says):
        conditions(types=[word])
