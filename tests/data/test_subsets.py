"""Class-balanced subsets of any size: nested, even, chosen by nothing but the hash of the video's name, topping-up told."""

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from muybridge.core import seeding
from muybridge.data.index import TOPPED_UP, Dataset, VideoRecord, balanced, few, top_ups
from muybridge.data.lists import amounts, folder


def records(sizes: list[int]) -> list[VideoRecord]:
    names = [(f"{label}/{i}.mp4", label) for label, size in enumerate(sizes) for i in range(size)]
    return [VideoRecord(name, name, label, "train", name) for name, label in names]


SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@settings(deadline=None)
@given(SIZES, st.integers(0, 3), st.data())
def test_smaller_subsets_lie_inside_larger_ones(sizes: list[int], seed: int, data: st.DataObject) -> None:
    every = records(sizes)
    steps = sorted(data.draw(st.lists(st.integers(0, len(every)), min_size=2, max_size=4)))
    chosen = [{r.id for r in balanced(every, size, seed)} for size in steps]
    assert [len(one) for one in chosen] == steps
    assert all(small <= large for small, large in pairwise(chosen))


@settings(deadline=None)
@given(SIZES, st.integers(0, 3), st.data())
def test_classes_differ_by_one_at_most_but_where_one_ran_out(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    every = records(sizes)
    counts = Counter(r.label for r in balanced(every, data.draw(st.integers(1, len(every))), seed))
    most = max(counts.values())
    assert all(counts[label] >= most - 1 or counts[label] == size for label, size in enumerate(sizes))


@settings(deadline=None)
@given(SIZES, st.integers(0, 3), st.data())
def test_the_order_of_the_files_does_not_matter(sizes: list[int], seed: int, data: st.DataObject) -> None:
    every = records(sizes)
    size = data.draw(st.integers(1, len(every)))
    shuffled = random.Random(size).sample(every, len(every))
    assert balanced(shuffled, size, seed) == balanced(every, size, seed)
    assert few(shuffled, size, seed) == few(every, size, seed)


@settings(deadline=None)
@given(SIZES, st.integers(0, 3), st.data())
def test_a_balanced_subset_holds_the_few_of_every_class(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    """While no class has run out, n of each of k classes are the subset of n * k: both are the first by the same hash."""
    every = records(sizes)
    each = data.draw(st.integers(1, min(sizes)))
    assert few(every, each, seed) == balanced(every, each * len(sizes), seed)


@settings(deadline=None)
@given(SIZES, st.integers(0, 3), st.data())
def test_what_is_topped_up_is_what_small_classes_lack(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    every = records(sizes)
    size = data.draw(st.integers(1, len(every)))
    chosen = balanced(every, size, seed)
    extra = top_ups(chosen, len(sizes), seed)
    share = -(-size // len(sizes))
    counts = Counter(r.label for r in chosen)
    assert len(extra) == sum(max(0, count - share) for count in counts.values())
    assert set(extra) <= set(chosen)
    assert bool(extra) == (max(counts.values()) > share)
    if extra:
        assert any(sizes[label] < share for label in range(len(sizes)))
        rest = {r.id for r in chosen} - {r.id for r in extra}
        for label, count in counts.items():
            order = sorted(
                (r.id for r in chosen if r.label == label), key=lambda name: seeding.key(seed, "subset", name)
            )
            assert [name for name in order if name in rest] == order[: min(count, share)], (
                "the last by hash are extra"
            )


def test_the_benchmarks_sizes_are_nested() -> None:
    """10k in 30k in 50k in 100k of 400 uneven classes, a hundredth as large."""
    sizes = [3 + i % 7 for i in range(400)]
    every = records(sizes)
    chosen = [balanced(every, size, 0) for size in (100, 300, 500, 1000)]
    for small, large in pairwise(chosen):
        assert {r.id for r in small} < {r.id for r in large}
    assert not top_ups(chosen[-1], 400, 0)
    wide = balanced(every, 2000, 0)
    assert len(top_ups(wide, 400, 0)) == 2000 - sum(min(size, 5) for size in sizes)


def test_an_amount_of_a_source_is_the_same_subset_and_says_what_it_topped_up() -> None:
    every = records([2, 9])
    data = Dataset("set", tuple(every), ("a", "b"), notes=("before",))
    some = amounts.take(data, 8)
    assert list(some.records) == balanced(every, 8, 0)
    assert some.notes == ("before", f"2 videos: {TOPPED_UP}")
    assert amounts.take(data, 4).notes == ("before",)


def test_a_list_that_marks_top_ups_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,label,topped_up\na.mp4,x,\nb.mp4,y,yes\nc.mp4,y,yes\n")
    assert folder.read(tmp_path / "a.csv").notes == (f"2 videos: {TOPPED_UP}",)
