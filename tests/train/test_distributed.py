import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from ranks import gradient, labelled, losses, without_norms, work
from small import learner, recipe, train
from torch import multiprocessing

from muybridge.train import distributed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes have trained together here."""
    made = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(work, (2, port, made), nprocs=2)
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    """What each process found."""
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_processes_know_their_place(found):
    assert [(each["rank"], each["world"]) for each in found] == [(0, 2), (1, 2)]


def test_a_batch_is_shared_evenly_and_wholly(found):
    assert [each["rows"] for each in found] == [["0", "2", "4"], ["1", "3", "5"]]


def test_a_batch_that_cannot_be_shared_is_refused(found):
    for each in found:
        assert "a batch of 5 videos cannot be shared evenly by 2 processes" in each["uneven"]
        assert "--batch" in each["uneven"]


def test_scalars_are_averaged_over_the_processes(found):
    assert [each["mean"] for each in found] == [[0.5, 5.0]] * 2


def test_all_processes_end_with_the_same_weights_and_have_learnt(found):
    start = dict(learner().named_parameters())
    for name, value in found[0]["weights"].items():
        assert torch.equal(value, found[1]["weights"][name]), name
    assert any(not torch.equal(value, start[name]) for name, value in found[0]["weights"].items())


def test_going_on_gives_the_same_bits_on_all_processes(found):
    for each in found:
        for name, value in each["resumed"].items():
            assert torch.equal(value, each["weights"][name]), name


def test_the_averaged_gradient_is_that_of_one_process_on_the_whole_batch(found):
    plain = without_norms()
    whole = gradient(plain, plain.objective, labelled())
    for each in found:
        assert len(each["gradient"]) == len(whole)
        for one, other in zip(each["gradient"], whole, strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["cvrl", "rspnet"])
def test_contrastive_tasks_lose_as_much_as_one_process_with_all_clips(name: str, found, tmp_path: Path):
    alone = losses(name, tmp_path)
    assert len(set(alone)) == 5
    for each in found:
        assert each[name] == pytest.approx(alone, rel=1e-5)


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
    assert (distributed.rank(), distributed.world()) == (0, 1)
    clip, module = labelled(5), learner()
    assert distributed.share(clip) is clip
    assert distributed.wrap(module) is module
    assert distributed.mean([torch.tensor(1.5)]) == [1.5]
