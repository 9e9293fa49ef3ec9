from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from muybridge.measure.frame_order import kendall_tau
from muybridge.perturb import temporal
from muybridge.perturb.ladders_time import LADDERS
from muybridge.perturb.streams import Streams, streams
from muybridge.perturb.temporal import ORDERS, order_of

LADDER = {
    (profile, type): [
        {name: value[s] if isinstance(value, tuple) else value for name, value in parameters.items()}
        for s in range(5)
    ]
    for profile, rows in LADDERS.items()
    for type, (target, parameters) in rows.items()
    if target.startswith(temporal.__name__) and type in ORDERS
}


def numbered(b: int, t: int) -> Tensor:
    """Clips whose pixels are 100 times the clip plus the frame."""
    number = 100 * torch.arange(b)[:, None] + torch.arange(t)
    return number.view(b, 1, t, 1, 1).expand(b, 3, t, 2, 2).to(torch.uint8)


def named(b: int, severity: int = 1, seed: int = 0) -> Streams:
    return streams("test", "test", [f"{i}" for i in range(b)], [0] * b, "type", severity, seed)


def order(type: str, t: int, clips: int = 1, **parameters: float) -> list:
    found = order_of(type, numbered(clips, t), named(clips), **parameters).tolist()
    return found[0] if clips == 1 else found


def tau(type: str, t: int, draws: int = 300, **parameters: float) -> float:
    frames = torch.zeros(draws, 3, t, 1, 1, dtype=torch.uint8)
    return float(kendall_tau(order_of(type, frames, named(draws), **parameters).numpy()).mean())


@pytest.mark.parametrize("key", LADDER, ids="-".join)
@pytest.mark.parametrize("t", [2, 3, 5, 8, 16, 17])
def test_pixels_follow_the_order_and_no_other_frame_appears(key: tuple[str, str], t: int):
    clips, drawn = numbered(2, t), named(2)
    for parameters in LADDER[key]:
        shown = getattr(temporal, key[1])(clips, drawn, **parameters)
        wanted = order_of(key[1], clips, drawn, **parameters)
        assert shown.shape == clips.shape
        assert (wanted.shape, wanted.dtype) == ((2, t), torch.int64)
        assert torch.equal(shown[:, 0, :, 0, 0], (100 * torch.arange(2)[:, None] + wanted).to(torch.uint8))
        assert 0 <= wanted.min() <= wanted.max() < t


@pytest.mark.parametrize("key", LADDER, ids="-".join)
def test_a_clip_does_not_depend_on_its_batch(key: tuple[str, str]):
    drawn, last = named(4), Streams(named(4).keys[3:])
    for parameters in LADDER[key]:
        together = order_of(key[1], numbered(4, 16), drawn, **parameters)
        assert torch.equal(order_of(key[1], numbered(1, 16), last, **parameters), together[3:])


@pytest.mark.parametrize("type", [*ORDERS, "frame_average"])
def test_a_clip_of_one_frame_is_refused(type: str):
    parameters = {"frame_average": {"reach": 1}}.get(type) or next(
        rows[0] for (_, name), rows in LADDER.items() if name == type
    )
    with pytest.raises(ValueError, match=f"{type} changes the order.*at least two, got 1"):
        getattr(temporal, type)(numbered(1, 1), named(1), **parameters)


@pytest.mark.parametrize(
    ("type", "parameters"),
    [("jumbling", {}), ("jumbling", {"length": 2, "fifths": 2}), ("box_jumbling", {}), ("freezing", {})],
)
def test_exactly_one_law_is_chosen(type: str, parameters: dict[str, int]):
    with pytest.raises(ValueError, match=f"{type} takes exactly one of"):
        order(type, 8, **parameters)


@pytest.mark.parametrize("r", [1, 2, 3, 4, 8, 16])
def test_keeping_one_of_r_is_the_published_law(r: int):
    assert order("sampling", 13, kept=1, of=r) == [t // r * r for t in range(13)]
    assert order("reversal", 13, kept=1, of=r) == [t // r * r for t in range(13)][::-1]


def test_keeping_some_of_several_holds_the_last_kept_frame():
    assert order("sampling", 8, kept=3, of=4) == [0, 0, 2, 3, 4, 4, 6, 7]
    assert order("frame_rate", 10, fps=20, source=25) == [0, 0, 2, 3, 4, 5, 5, 7, 8, 9]
    assert order("frame_rate", 6, fps=25, source=25) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("t", "length"), [(16, 4), (13, 4), (5, 2), (8, 64), (2, 2)])
def test_jumbling_stays_inside_aligned_segments(t: int, length: int):
    for clip in order("jumbling", t, 20, length=length):
        for start in range(0, t, length):
            assert sorted(clip[start : start + length]) == list(range(start, min(start + length, t)))


@pytest.mark.parametrize(("t", "segment"), [(16, [3, 6, 10, 13, 16]), (8, [2, 3, 5, 6, 8]), (2, [2] * 5)])
def test_jumbling_by_fifths_has_segments_of_that_share(t: int, segment: list[int]):
    for fifths, length in zip(range(1, 6), segment, strict=True):
        assert order("jumbling", t, 9, fifths=fifths) == order("jumbling", t, 9, length=length)


@pytest.mark.parametrize(("t", "length"), [(16, 4), (15, 4), (16, 1), (8, 32), (3, 2)])
def test_box_jumbling_keeps_boxes_whole_and_moves_all_sorts(t: int, length: int):
    boxes = {tuple(range(start, min(start + length, t))) for start in range(0, t, length)}
    seen = set()
    for clip in order("box_jumbling", t, 60, length=length):
        rest = list(clip)
        while rest:
            box = next(box for box in boxes if box[0] == rest[0])
            assert tuple(rest[: len(box)]) == box
            rest = rest[len(box) :]
        seen.add(tuple(clip))
    assert len(seen) >= min(len(boxes), 10)


@pytest.mark.parametrize("moved", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("t", [8, 16, 19])
def test_so_many_boxes_change_places_and_the_others_stay(t: int, moved: int):
    starts = [int(box[0]) for box in np.array_split(np.arange(t), 8)]
    for clip in order("box_jumbling", t, 30, moved=moved):
        assert sorted(clip) == list(range(t))
        boxes = [frame for frame in clip if frame in starts]
        assert sum(frame != start for frame, start in zip(boxes, starts, strict=True)) == moved


def test_two_frames_swap():
    assert order("box_jumbling", 2, moved=8) == [1, 0]
    assert order("reversal", 2, kept=1, of=1) == [1, 0]


def test_freezing_holds_the_stated_share_and_keeps_the_first_frame():
    orders = np.array(order("freezing", 32, 300, probability=0.36))
    assert (orders[:, 0] == 0).all()
    held = np.diff(orders, axis=1) == 0
    assert held.mean() == pytest.approx(0.36, abs=0.02)
    assert ((orders == np.arange(32)) | np.pad(held, ((0, 0), (1, 0)))).all()


@pytest.mark.parametrize(
    ("t", "counts"), [(16, [6, 3, 1, 2, 1]), (60, [24, 12, 6, 3, 1]), (2, [1, 1, 1, 2, 1])]
)
def test_freezing_of_the_release_keeps_so_many_frames(t: int, counts: list[int]):
    for parameters, count in zip(LADDER["release-2023", "freezing"], counts, strict=True):
        for clip in order("freezing", t, 20, **parameters):
            kept = sorted(set(clip))
            assert len(kept) == count
            assert clip == [max([k for k in kept if k <= t_] or kept[:1]) for t_ in range(t)]


@pytest.mark.parametrize("t", [8, 16, 32])
@pytest.mark.parametrize("type", ["jumbling", "box_jumbling"])
def test_severity_leaves_less_and_less_order(type: str, t: int):
    found = [tau(type, t, **parameters) for parameters in LADDER["muybridge-1", type]]
    assert all(a > b + 0.04 for a, b in pairwise(found)), found
    assert found[0] > 0.6
    assert abs(found[4]) < 0.12


@pytest.mark.parametrize("t", [8, 16, 32])
@pytest.mark.parametrize("type", ["sampling", "reversal", "freezing"])
def test_severity_leaves_fewer_and_fewer_frames(type: str, t: int):
    found = [
        np.mean([len(set(clip)) for clip in order(type, t, 200, **parameters)])
        for parameters in LADDER["muybridge-1", type]
    ]
    assert all(a > b for a, b in pairwise(found)), found


def test_the_released_code_gets_milder_and_the_samples_stronger():
    released = [tau("jumbling", 64, **row) for row in LADDER["release-2023", "jumbling"]]
    samples = [tau("jumbling", 64, **row) for row in LADDER["samples-2022", "jumbling"]]
    assert released == sorted(released)
    assert samples == sorted(samples, reverse=True)


@pytest.mark.parametrize("reach", [1, 3, 11])
@pytest.mark.parametrize("t", [2, 7, 16])
def test_frame_average_is_the_mean_of_the_window_that_is_there(t: int, reach: int):
    clip = torch.randint(
        0, 256, (2, 3, t, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    shown = temporal.frame_average(clip, named(2), reach=reach)
    for i in range(t):
        window = clip[:, :, max(0, i - reach) : i + reach].numpy().astype(np.float64)
        assert np.array_equal(shown[:, :, i].numpy(), np.floor(window.mean(2) + 1e-9).astype(np.uint8))


GOLDEN = {
    "jumbling": [5, 3, 0, 7, 1, 6, 4, 2],
    "box_jumbling": [3, 7, 4, 5, 6, 2, 1, 0],
    "freezing": [0, 0, 2, 2, 2, 2, 2, 2],
}


def test_golden_orders_of_the_random_types():
    severest = {type: LADDER["muybridge-1", type][4] for type in GOLDEN}
    assert {type: order(type, 8, **row) for type, row in severest.items()} == GOLDEN
