import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muybridge.perturb import philox
from muybridge.perturb.streams import APART, Streams, streams

CPU = torch.device("cpu")
NAME = {"profile": "p/1", "dataset": "d", "videos": ["a", "b"], "views": [0, 3], "type": "t", "severity": 2}


def test_words_are_those_of_numpys_philox():
    drawn = streams(**NAME)
    for key, words in zip(drawn.keys, drawn.words(37), strict=True):
        raw = np.random.Philox(key=key).random_raw(10).view(np.int16)
        np.testing.assert_array_equal(words.numpy(), raw[:37])


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), min_size=1, max_size=3),
    st.integers(0, 200),
)
def test_tensor_operations_give_the_words_of_numpy(keys: list[tuple[int, int]], count: int):
    drawn = Streams(np.array(keys, np.uint64))
    assert torch.equal(philox.words(drawn.keys, count, CPU), drawn.words(count))


def test_a_long_stream_in_tensor_operations_is_numpys():
    drawn = streams(**NAME)
    assert torch.equal(philox.words(drawn.keys, 100_003, CPU), drawn.words(100_003))


@given(st.integers(0, 2**64 - 1), st.sampled_from(philox.MULTIPLIERS))
def test_products_of_64_bits_are_exact(a: int, b: int):
    high, low = philox.product(torch.tensor([[philox.signed(a)]]), b)
    assert (high.item() % 2**64, low.item() % 2**64) == divmod(a * b, 2**64)


def test_a_device_that_is_not_the_cpu_takes_tensor_operations(monkeypatch: pytest.MonkeyPatch):
    calls = []

    def words(keys: np.ndarray, count: int, device: torch.device) -> torch.Tensor:
        calls.append((count, device))
        return torch.empty(len(keys), count, dtype=torch.int16, device=device)

    monkeypatch.setattr(philox, "words", words)
    streams(**NAME).on("meta").words(5)
    assert calls == [(5, torch.device("meta"))]


def test_words_of_a_clip_do_not_depend_on_its_batch_or_on_how_many_are_drawn():
    both = streams(**NAME).words(100)
    turned = streams(**NAME | {"videos": ["b", "a"], "views": [3, 0]}).words(100)
    alone = streams(**NAME | {"videos": ["b"], "views": [3]}).words(64)
    assert torch.equal(both.flip(0), turned)
    assert torch.equal(both[1:, :64], alone)


@pytest.mark.parametrize(
    "other",
    [
        {"profile": "p/2"}, {"dataset": "e"}, {"videos": ["c", "d"]}, {"views": [1, 2]},
        {"type": "u"}, {"severity": 3}, {"seed": 1},
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_every_part_of_the_name_changes_the_bits(other: dict):
    here, there = streams(**NAME).words(4000), streams(**NAME | other).words(4000)
    assert (here == there).float().mean() < 0.01


def test_numbers_from_numpy_name_the_same_stream():
    assert torch.equal(
        streams(**NAME).words(9),
        streams(**NAME | {"views": np.array([0, 3]), "severity": np.int64(2), "seed": np.int32(0)}).words(9),
    )


def test_the_generator_repeats_and_lies_apart_from_the_words():
    drawn = streams(**NAME)
    assert drawn.rng(1).random() == drawn.rng(1).random() != drawn.rng(0).random()
    state = drawn.rng(0).bit_generator.state["state"]
    np.testing.assert_array_equal(state["key"], drawn.keys[0])
    assert int(state["counter"][3]) << 192 == APART


def test_words_are_uniform():
    words = streams(**NAME).words(1 << 18).double()
    assert words.mean().abs().item() < 5 * 18918 / 2**9.5
    counts = torch.histc(words, bins=64, min=-32768, max=32767)
    expected = words.numel() / 64
    assert ((counts - expected) ** 2 / expected).sum() < 63 + 5 * (2 * 63) ** 0.5


def test_as_many_views_as_videos():
    with pytest.raises(ValueError, match="2 videos and 1 views"):
        streams(**NAME | {"views": [0]})


def test_an_empty_batch_has_no_words():
    drawn = streams(**NAME | {"videos": [], "views": []})
    assert len(drawn) == 0
    assert drawn.words(8).shape == philox.words(drawn.keys, 8, CPU).shape == (0, 8)
