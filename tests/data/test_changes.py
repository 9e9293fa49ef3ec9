"""Label changes: of the embedded motions by what the renderer sweeps, of Something-Something as a table, of own data by a file."""

from pathlib import Path

import numpy as np
import pytest
import torch

from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.label_changes import FLIP, NONE, REVERSAL, Change, joined, label_map, partners, types_of
from muybridge.data.index import Dataset
from muybridge.data.sets import changes
from muybridge.data.sets.builtin_render import DIGIT, MOTIONS, partner, program
from muybridge.data.sets.builtin_scenes import PAIRS
from muybridge.data.sources import join
from muybridge.perturb.apply import perturb
from muybridge.perturb.profiles import PROFILES

SIDE, FRAMES, CLIPS = 64, 8, 160
WAYS = {"move-right": (0, 1), "move-left": (0, -1), "move-down": (1, 1), "move-up": (1, -1)}


def becomes(type: str, severity: int) -> dict[str, str]:
    """What is declared of the embedded motions."""
    found: dict[str, str] = {}
    for one in changes.BUILTIN:
        if one.type == type and (not one.severities or severity in one.severities):
            found |= one.becomes
    return found


def dots(motion: str) -> Clip:
    """Clips of a bright dot that goes where the renderer sends its digit."""
    rng = np.random.default_rng(MOTIONS.index(motion))
    frames = torch.zeros(CLIPS, 3, FRAMES, SIDE, SIDE, dtype=torch.uint8)
    for clip in range(CLIPS):
        x, y = DIGIT.spread(program(rng, motion, FRAMES))[:2]
        for t in range(FRAMES):
            row, column = (int((1 + at[t]) / 2 * SIDE) for at in (y, x))
            frames[clip, :, t, row - 2 : row + 3, column - 2 : column + 3] = 255
    return Clip(frames, torch.zeros(CLIPS, dtype=torch.long), [f"v{i}" for i in range(CLIPS)])


def seen(clip: Clip) -> list[str]:
    """The move that the centre of brightness makes, in the direction in which it goes farthest along a line."""
    weight = clip.frames[:, 0].double()
    ruler = torch.arange(SIDE, dtype=torch.float64)
    total = weight.sum((2, 3)).clamp_min(1)
    rows = (weight.sum(3) * ruler).sum(2) / total
    columns = (weight.sum(2) * ruler).sum(2) / total
    time = torch.arange(FRAMES, dtype=torch.float64) - (FRAMES - 1) / 2
    slopes = torch.stack([(columns * time).sum(1), (rows * time).sum(1)], 1)
    axis = slopes.abs().argmax(1)
    sign = slopes[torch.arange(CLIPS), axis].sign()
    names = {way: name for name, way in WAYS.items()}
    return [names[int(a), int(s)] for a, s in zip(axis, sign, strict=True)]


@pytest.mark.parametrize("motion", WAYS)
@pytest.mark.parametrize(
    ("type", "severity"),
    [(REVERSAL, 1), (FLIP, 0), ("static_rotation", 1), ("static_rotation", 3), ("static_rotation", 5), ("translation", 4)],
)  # fmt: skip
def test_a_perturbed_move_is_what_is_declared(type: str, severity: int, motion: str):
    changed = perturb(dots(motion), type, severity, dataset="dots", views=[0] * CLIPS)
    wanted = becomes(type, severity).get(motion, motion)
    assert np.mean([one == wanted for one in seen(changed)]) > 0.9


def test_a_shifting_camera_makes_other_moves_of_some_where_declared():
    for severity in (4, 5):
        shifted = [
            np.mean(
                [
                    one == name
                    for one in seen(
                        perturb(dots(name), "translation", severity, dataset="dots", views=[0] * CLIPS)
                    )
                ]
            )
            for name in WAYS
        ]
        assert set(becomes("translation", severity)) == (set(WAYS) if np.mean(shifted) < 0.9 else set())


@pytest.mark.parametrize("motion", WAYS)
def test_half_way_between_two_moves_is_none(motion: str):
    assert becomes("static_rotation", 4)[motion] == NONE
    turned = seen(perturb(dots(motion), "static_rotation", 4, dataset="dots", views=[0] * CLIPS))
    assert max(np.mean([one == name for one in turned]) for name in WAYS) < 0.9


@pytest.mark.parametrize(("severity", "least", "most"), [(3, 0.9, 1.0), (4, 0.8, 0.9), (5, 0.7, 0.9)])
def test_a_swinging_camera_turns_the_sense_of_rotations_where_declared(
    severity: int, least: float, most: float
):
    from muybridge.perturb.camera import smooth_path

    rng, degrees = np.random.default_rng(0), PROFILES["muybridge-1"].types["random_rotation"].severities
    time = np.arange(24) - 11.5
    kept = []
    for _ in range(1500):
        angle = DIGIT.spread(program(rng, "rotate-clockwise", 24))[3]
        kept.append(
            (angle + np.deg2rad(degrees[severity - 1]["degrees"]) * smooth_path(24, 1, rng)[0]) @ time > 0
        )
    assert least <= np.mean(kept) <= most
    assert ("rotate-clockwise" in becomes("random_rotation", severity)) is bool(np.mean(kept) < 0.9)


def test_all_profiles_turn_by_the_same_angles():
    for profile in PROFILES.values():
        if "static_rotation" in profile.types:
            angles = [row["degrees"] for row in profile.types["static_rotation"].severities]
            assert angles == [7.5, 15, 30, 45, 90], profile.name


def test_a_reader_without_order_is_right_in_exactly_half_of_clips_that_come_with_their_reverse():
    """The renderer's symmetry: the program of a motion, backwards, is one of its partner with the same draws."""
    for motion in MOTIONS:
        forth, back = (program(np.random.default_rng(5), one, 24) for one in (motion, partner(motion)))
        assert np.sort(forth, axis=1) == pytest.approx(np.sort(back, axis=1)), (
            "the same values, in another order"
        )
        assert forth[:, ::-1] == pytest.approx(back)


def test_scenes_change_in_their_motion_alone():
    by_type = {(one.type, one.severities): one.becomes for one in changes.scenes(PAIRS)}
    assert by_type[REVERSAL, ()]["three moves right"] == "three moves left"
    assert "three appears" not in by_type[FLIP, ()]
    assert len(by_type[REVERSAL, ()]) == 120


def test_kinds_of_something_something_are_a_table_that_fits_itself():
    told = changes.read(changes.SSV2, None)
    reversed_ = next(one.becomes for one in told if one.type == REVERSAL)
    pairs = partners(told)
    assert len(pairs) == 38
    assert all(pairs[pairs[name]] == name for name in pairs)
    assert pairs["Pulling something from left to right"] == "Pushing something from right to left"
    assert reversed_["Tearing something into two pieces"] == NONE
    assert "Holding something" not in reversed_
    assert len(next(one.becomes for one in told if one.type == FLIP)) == 6
    some = changes.ssv2(["Opening something", "Holding something"])
    assert next(one.becomes for one in some if one.type == REVERSAL) == {"Opening something": NONE}, (
        "its partner is not there"
    )


def test_frames_without_order_show_none_of_two_that_only_order_tells_apart():
    order = {"reversal": {"1": {"tau": -1.0, "distinct": 8.0}, "5": {"tau": 0.0, "distinct": 1.0}},
             "jumbling": {"1": {"tau": 0.8, "distinct": 8.0}, "5": {"tau": 0.02, "distinct": 8.0}}}  # fmt: skip
    cells = [("reversal", 1), ("reversal", 5), ("jumbling", 1), ("jumbling", 5), ("noise", 5)]
    told = (Change(REVERSAL, {"a": "b", "b": "a"}),)
    assert label_map(told, cells, order, {"a": "A", "b": "B", "c": "C"}) == {
        "reversal": {"1": {"A": "B", "B": "A"}, "5": {"A": NONE, "B": NONE}},
        "jumbling": {"5": {"A": NONE, "B": NONE}},
    }


def test_joined_data_keep_what_is_declared_of_each():
    first = Dataset("first", (), ("a", "b"), changes=(Change(REVERSAL, {"a": "b", "b": "a"}),))
    second = Dataset("second", (), ("b", "c"))
    both = joined([(one.classes, one.changes) for one in (first, second)])
    assert both == (Change(REVERSAL, {"a": "b", "b": NONE}),), "b is said to change and to stay"
    assert types_of(both) == join([first, second]).label_changing == (REVERSAL,)


HEAD = "perturbation,class,becomes,severity\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no lines"), (HEAD, "no lines"), ("class,becomes\na,b\n", "no column 'perturbation'"),
        (HEAD + "reversal,z,a,\n", "'z' is not a class"), (HEAD + "reversal,a,z,\n", "'z' is not a class"),
        (HEAD + "reversal,a,b,9\n", "severity '9'"), (HEAD + ",a,b,\n", "no perturbation"),
        (HEAD + "reversal,a,b,\nreversal,a,a,\n", "is said twice"), (HEAD + 'reversal,"a,b,\n', "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_of_changes_is_refused(text: str, words: str, tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        changes.read(path, ["a", "b"])
    with pytest.raises(UsageError, match="cannot be read"):
        changes.read(tmp_path / "none.csv", ["a", "b"])


def test_a_file_of_changes_is_read(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text("\ufeff" + HEAD + "reversal,a,b,\nreversal,b,a,\nstatic_rotation,,,5\n", encoding="utf-8")
    assert changes.read(path, ["a", "b"]) == (
        Change("reversal", {"a": "b", "b": "a"}),
        Change("static_rotation", {"a": NONE, "b": NONE}, (5,)),
    )
