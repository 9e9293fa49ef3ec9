"""A training that is asked to stop saves what it has learnt, and goes on from there to the same bits."""

import os
import signal
from pathlib import Path

import pytest
from small import learner, recipe, train
from test_fit import assert_same_run, state_of

RARELY = {"save_every": 1e9}


class Asked(BaseException):
    """What the handler of a command raises."""


@pytest.fixture(autouse=True)
def asking():
    """As the command line takes SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)

    def ask(*_: object) -> None:
        raise Asked

    signal.signal(signal.SIGTERM, ask)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("objective", ["rotnet", "tdl"])
def test_a_signal_amid_a_step_loses_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str):
    train(learner(objective), tmp_path / "whole", recipe(**RARELY))
    module = learner(objective)
    plain, steps = module.objective.after_step, []

    def kill(backbone: object) -> None:
        steps.append(1)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGTERM)  # the optimiser has moved, the queue has not
        plain(backbone)

    monkeypatch.setattr(module.objective, "after_step", kill)
    with pytest.raises(Asked):
        train(module, tmp_path / "stopped", recipe(**RARELY))
    assert state_of(tmp_path / "stopped")["step"] == 3
    train(learner(objective), tmp_path / "stopped", recipe(**RARELY))
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_what_is_raised_within_a_step_saves_nothing_half_done(tmp_path: Path):
    def report(step: int, *_: object) -> None:
        if step == 3:
            raise Asked

    with pytest.raises(Asked):
        train(learner(), tmp_path, recipe(**RARELY), report=report)
    assert not (tmp_path / "state" / "last.pt").exists()


def test_an_error_saves_nothing(tmp_path: Path):
    module = learner()

    def fail(*_: object) -> None:
        raise ValueError("own")

    module.objective.after_step = fail
    with pytest.raises(ValueError, match="own"):
        train(module, tmp_path, recipe(**RARELY))
    assert not (tmp_path / "state").exists()
