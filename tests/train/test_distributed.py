import json
from pathlib import Path
from typing import Any

import pytest
import torch
from alike import spawn
from ranks import gradient, labelled, without_norms, work
from small import learner, recipe, train

from muybridge.core.networks.gather import counts, gather, offset, processes, rank
from muybridge.train import distributed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes have trained together here."""
    made = tmp_path_factory.mktemp("ranks")
    spawn(work, 2, made)
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    """What each process found."""
    return [torch.load(folder / f"{number}.pt", weights_only=True) for number in (0, 1)]


def test_processes_know_their_place(found):
    assert [(each["rank"], each["processes"]) for each in found] == [(0, 2), (1, 2)]


def test_a_batch_is_divided_in_order_and_wholly(found):
    for total, cut in ((2, 1), (5, 3), (6, 3)):
        assert [each["parts"][total] for each in found] == [[0, cut], [cut, total]]


def test_a_batch_smaller_than_the_processes_is_refused(found):
    for each in found:
        assert "a batch of 1 videos is too small for 2 processes" in each["small"]
        assert "--batch" in each["small"]


def test_rows_of_unequal_parts_are_gathered_in_order_with_the_gradient_of_all_processes(found):
    first, second = (each["gathered"] for each in found)
    for each in (first, second):
        assert each["rows"].flatten().tolist() == [1, 2, 3]
    assert (int(first["offset"]), int(second["offset"])) == (0, 1)
    # both processes sum all squares, so the gradient is twice 2x
    assert first["gradient"].tolist() == [[4]]
    assert second["gradient"].tolist() == [[8], [12]]


def test_means_count_every_row_once(found):
    for each, share in zip(found, (2 / 3, 1 / 3), strict=True):
        assert each["mean"]["mean"] == pytest.approx(2)
        assert each["mean"]["slope"] == pytest.approx(share)


def test_what_is_worked_on_in_turn_comes_in_order_and_once(found):
    for each in found:
        assert each["turns"] == [[0, 1, 4, 9, 16], [9], []]


def test_the_first_process_says_it_to_all(found):
    assert [each["told"] for each in found] == ["said by 0"] * 2


def test_all_processes_end_with_the_same_weights_and_have_learnt(found):
    start = dict(learner().named_parameters())
    for name, value in found[0]["weights"].items():
        assert torch.equal(value, found[1]["weights"][name]), name
    assert any(not torch.equal(value, start[name]) for name, value in found[0]["weights"].items())


def test_going_on_gives_the_same_bits_on_all_processes(found):
    for each in found:
        for name, value in each["resumed"].items():
            assert torch.equal(value, each["weights"][name]), name


@pytest.mark.parametrize("videos", [4, 5], ids=["equal parts", "unequal parts"])
def test_the_averaged_gradient_is_that_of_one_process_on_the_whole_batch(videos: int, found):
    whole = gradient(without_norms(), labelled(videos))
    for each in found:
        assert each[f"gradient of {videos}"].keys() == whole.keys()
        for name, one in each[f"gradient of {videos}"].items():
            torch.testing.assert_close(one, whole[name], atol=1e-6, rtol=1e-5)


def test_operations_count_the_work_of_all_processes(found, tmp_path: Path):
    alone = train(learner(), tmp_path, recipe(1))
    assert [each["flops"] for each in found] == [alone.flops] * 2


def test_only_the_first_process_writes_the_curve(folder: Path):
    rows = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]


def test_all_processes_stop_where_one_goes_wrong(found):
    for each in found:
        assert "the loss became nan at step 1" in each["one went wrong"]


def test_one_process_needs_no_group(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    distributed.start(torch.device("cpu"))
    assert (rank(), processes(), counts(3), offset(3)) == (0, 1, [3], 0)
    views, module, rows = {"clip": torch.zeros(5)}, learner(), torch.zeros(2, 1)
    assert distributed.shard_views(views, 5) is views
    assert distributed.wrap(module) is module
    assert gather(rows) is rows
    assert distributed.broadcast("this") == "this"
    assert list(distributed.round_robin(lambda numbers: iter(numbers), 2, 5)) == [2, 3, 4]
    assert distributed.mean_over_ranks({"loss": torch.tensor(1.5, dtype=torch.bfloat16)}, 1) == {"loss": 1.5}


def test_an_error_of_its_own_stays_what_it_is():
    with pytest.raises(RuntimeError, match="gloo went away"), distributed.together():
        raise RuntimeError("gloo went away")
