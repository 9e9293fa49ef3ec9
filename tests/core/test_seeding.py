"""Named random streams: the same name gives the same numbers, whatever ran before."""

import subprocess
import sys
from itertools import product

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.core import seeding

PART = st.one_of(
    st.integers(-(2**70), 2**70), st.text(st.sampled_from("a1:\x1fint:str"), max_size=6), st.text(max_size=4)
)


def test_golden_values_that_stored_runs_rest_on() -> None:
    assert seeding.key(0) == 3581690635855307741
    assert seeding.key(3, "a", 1) == 5480880249213193792
    assert seeding.rng(7, "sample", 5, "v").integers(0, 1000, 4).tolist() == [253, 609, 243, 137]
    assert seeding.generator(7, "x").initial_seed() == 5733667407545316137


def test_streams_do_not_depend_on_the_order_of_calls() -> None:
    names = [("epoch", 0), ("epoch", 1), ("sample", 0, "a"), ("sample", 1, "a")]
    forwards = {name: seeding.rng(1, *name).random(3).tolist() for name in names}
    backwards = {name: seeding.rng(1, *name).random(3).tolist() for name in reversed(names)}
    assert forwards == backwards
    assert len({tuple(values) for values in forwards.values()}) == len(names)


def test_another_process_draws_the_same() -> None:
    code = "from muybridge.core import seeding; print(seeding.key(5, 'sample', 'vidéo', 3), 'torch' in __import__('sys').modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"{seeding.key(5, 'sample', 'vidéo', 3)} False\n"


def test_a_generator_draws_the_same_again_and_leaves_the_global_one_alone() -> None:
    before = torch.random.get_rng_state()
    first = torch.rand(4, generator=seeding.generator(2, "views", 9))
    again = torch.rand(4, generator=seeding.generator(2, "views", 9))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert not torch.equal(first, torch.rand(4, generator=seeding.generator(3, "views", 9)))


def test_words_and_integers_never_collide() -> None:
    names = [*product(("1", 1, "int:1", "a", "", -1), repeat=2), ("1",), (1,), ()]
    assert len({seeding.key(0, *name) for name in names}) == len(names)


@settings(deadline=None, derandomize=True)
@given(st.lists(PART, max_size=4), st.lists(PART, max_size=4))
def test_different_names_give_different_keys(left: list[str | int], right: list[str | int]) -> None:
    assert (seeding.key(0, *left) == seeding.key(0, *right)) == (left == right)


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 2**40), PART)
def test_keys_are_seeds_that_torch_and_numpy_take(seed: int, part: str | int) -> None:
    assert 0 <= seeding.key(seed, part) < 2**63


def test_numpy_values_name_the_stream_of_their_python_values() -> None:
    assert seeding.key(0, np.int64(3), np.str_("a")) == seeding.key(0, 3, "a")
    assert seeding.key(int(np.int32(4)), "a") == seeding.key(4, "a")


def test_a_word_that_holds_the_separator_is_still_one_word() -> None:
    assert seeding.key(0, "a\x1fstr:b") != seeding.key(0, "a", "b")
