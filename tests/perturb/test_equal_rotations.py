"""Three rotations of one mean angle: measured on the pixels, by where a bright spot is seen from the centre."""

import numpy as np
import pytest
import torch
from torch import Tensor

from muybridge.core.clip import Clip
from muybridge.perturb.apply import perturb
from muybridge.perturb.camera import mean_angle
from muybridge.perturb.profiles import PROFILES, SEVERITIES
from muybridge.perturb.streams import streams

PROFILE = PROFILES["equal-rotations"]
CLIPS, FRAMES, SIDE = 12, 16, 97


def spot() -> Tensor:
    """A soft spot to the right of the centre, which no turn of 45 degrees takes out of the picture."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    picture = 250 * np.exp(-((x - 26) ** 2 + y**2) / 18)
    frame = torch.from_numpy(picture.round().astype(np.uint8))
    return frame.expand(CLIPS, 3, FRAMES, SIDE, SIDE).contiguous()


def seen_angles(frames: Tensor) -> np.ndarray:
    """Angle of the spot in every frame, degrees counter-clockwise, from its centre of mass."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    mass = frames[:, 0].numpy().astype(float)
    right, up = (mass * x).sum((-2, -1)), -(mass * y).sum((-2, -1))
    return np.degrees(np.arctan2(up, right))


def turned(type: str, severity: int) -> np.ndarray:
    clip = Clip(spot(), torch.zeros(CLIPS, dtype=torch.int64), [f"v{i}" for i in range(CLIPS)])
    moved = perturb(clip, type, severity, profile=PROFILE.name, dataset="d", views=[0] * CLIPS)
    return seen_angles(moved.frames)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("type", PROFILE.types)
def test_every_clip_is_turned_by_the_same_mean_angle(type: str, severity: int):
    wanted = PROFILE.types[type].severities[severity - 1]["degrees"]
    assert np.abs(turned(type, severity)).mean(axis=1) == pytest.approx(wanted, abs=0.1)


def test_what_differs_is_how_the_angle_changes():
    held, swinging, jittered = (turned(type, 3) for type in PROFILE.types)
    assert np.ptp(held, axis=1).max() < 0.1
    assert {np.sign(one) for one in held[:, 0]} == {-1.0, 1.0}, "to either side"
    steps = [np.abs(np.diff(one, axis=1)).mean() for one in (held, swinging, jittered)]
    assert steps[0] < 0.1 < steps[1] < steps[2] / 2


@pytest.mark.parametrize(
    ("profile", "type"),
    [
        *((PROFILE.name, type) for type in PROFILE.types),
        *(
            (name, type)
            for name in ("muybridge-1", "samples-2022")
            for type in ("static_rotation", "random_rotation")
        ),
    ],
)
def test_the_angle_that_a_run_says_is_the_one_that_is_seen(profile: str, type: str):
    names = [f"v{i}" for i in range(CLIPS)]
    clip = Clip(spot(), torch.zeros(CLIPS, dtype=torch.int64), names)
    moved = perturb(clip, type, 3, profile=profile, dataset="d", views=[0] * CLIPS, seed=5)
    drawn = streams(PROFILES[profile].label, "d", names, [0] * CLIPS, type, 3, 5)
    said = mean_angle(PROFILES[profile].types[type], 3, FRAMES, drawn)
    assert said == pytest.approx(np.abs(seen_angles(moved.frames)).mean(), abs=0.2)


def test_the_published_pair_is_one_of_two_strengths():
    drawn = streams("samples-2022/1", "d", [f"v{i}" for i in range(400)], [0] * 400, "random_rotation", 1)
    table = PROFILES["samples-2022"].types
    for severity, wanted in zip(SEVERITIES, PROFILE.types["held_rotation"].severities, strict=True):
        variable = mean_angle(table["random_rotation"], severity, FRAMES, drawn)
        assert variable == pytest.approx(wanted["degrees"], abs=0.25)
        static = mean_angle(table["static_rotation"], severity, FRAMES, drawn)
        assert static is not None
        assert static > 1.9 * wanted["degrees"]


def test_what_is_no_rotation_has_no_angle():
    drawn = streams("muybridge-1/1", "d", ["v"], [0], "jpeg", 1)
    assert mean_angle(PROFILES["muybridge-1"].types["jpeg"], 1, FRAMES, drawn) is None
