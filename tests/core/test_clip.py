"""Clip: what does not fit together is refused where it is made."""

import pytest
import torch

from muybridge.core.clip import Clip, as_bytes, to_unit
from muybridge.core.networks.features import Classifier, Features
from runtime_types import unchecked


def _clip(shape: tuple[int, ...] = (2, 3, 4, 5, 6), kind: torch.dtype = torch.uint8, names: int = 2) -> Clip:
    return Clip(torch.zeros(shape, dtype=kind), torch.tensor([0, 1]), [f"v{i}" for i in range(names)])


def test_a_batch_knows_its_size_and_prints_shapes_not_pixels() -> None:
    assert len(_clip()) == 2
    assert repr(_clip()) == "Clip(frames=(2, 3, 4, 5, 6), videos=['v0', 'v1'])"


@pytest.mark.parametrize("shape", [(2, 4, 3, 5, 6), (2, 3, 4, 5), (2, 4, 5, 6, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with unchecked(), pytest.raises(ValueError, match=r"wanted uint8 'b 3 t h w'"):
        _clip(shape)


def test_other_numbers_are_refused() -> None:
    with unchecked(), pytest.raises(ValueError, match=r"wanted uint8 .*float32"):
        _clip(kind=torch.float32)


@pytest.mark.parametrize(("shape", "names"), [((3, 3, 4, 5, 6), 2), ((2, 3, 4, 5, 6), 1)])
def test_clips_labels_and_ids_must_be_as_many(shape: tuple[int, ...], names: int) -> None:
    with unchecked(), pytest.raises(ValueError, match="wanted as many of each"):
        _clip(shape, names=names)


def test_moving_keeps_everything() -> None:
    clip = _clip()
    moved = clip.to("cpu")
    assert torch.equal(moved.frames, clip.frames)
    assert torch.equal(moved.label, clip.label)
    assert moved.video == clip.video


def test_what_a_law_drew_goes_with_its_clips() -> None:
    clip = Clip(_clip().frames, _clip().label, ("a", "b"), {"rate": torch.tensor([2, 4])})
    assert clip.to("cpu").drawn["rate"].tolist() == [2, 4]
    second = clip.rows(slice(1, None))
    assert (second.video, second.drawn["rate"].tolist(), len(second)) == (("b",), [4], 1)
    with unchecked(), pytest.raises(ValueError, match=r"Clip.drawn: 1 values of 'rate' for 2 clips"):
        Clip(clip.frames, clip.label, clip.video, {"rate": torch.tensor([2])})


def test_bytes_become_fractions_and_the_bytes_stay() -> None:
    frames = torch.tensor([0, 51, 255], dtype=torch.uint8)
    torch.testing.assert_close(to_unit(frames), torch.tensor([0, 0.2, 1]))
    assert frames.tolist() == [0, 51, 255]


def test_a_classifier_is_its_layer_on_the_pooled_features() -> None:
    class Mean(torch.nn.Module):
        def forward(self, frames: torch.Tensor) -> Features:
            return Features(frames.mean((2, 3, 4)))

    frames = torch.arange(2 * 3 * 2 * 2 * 2).reshape(2, 3, 2, 2, 2) / 48
    net = Classifier(Mean(), 3, 4)
    wanted = frames.mean((2, 3, 4)) @ net.head.weight.T + net.head.bias
    torch.testing.assert_close(net(frames), wanted)


def test_bytes_of_floats_are_cut_off_as_torch_does():
    values = torch.cat(
        [torch.linspace(0, 255.999, 100_001), torch.arange(256.0), torch.tensor([254.99998, 255.99998])]
    )
    assert torch.equal(as_bytes(values), values.to(torch.uint8))
    assert as_bytes(values.view(1, -1)).dtype == torch.uint8
