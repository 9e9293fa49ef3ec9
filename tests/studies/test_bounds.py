"""Plans that nobody could finish are refused before they fill the memory."""

import pytest

from muybridge.config.stage_configs import ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.stages.job.check import AT_MOST, check_numbers
from muybridge.studies import plan
from muybridge.studies.study_configs import QuickstartConfig


@pytest.mark.parametrize("seeds", [AT_MOST["seeds"] + 1, 10**12, 10**40])
def test_seeds_without_end_are_refused(seeds: int, run):
    with pytest.raises(UsageError, match=r"--seeds .*wanted 1,000 or less"):
        check_numbers(QuickstartConfig(seeds=seeds))
    code, _, error = run("study", "plan", "pretext-backbones", "--seeds", seeds)
    assert code == 2
    assert "wanted 1,000 or less" in error


def test_a_study_that_never_ends_is_refused(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "MOST", 5)

    def endless():
        seed = 0
        while True:
            seed += 1
            yield ProbeConfig(
                data=(str(videos),), out=tmp_path, fold=0, frames=4, size=20, crop=16, seed=seed
            )

    with pytest.raises(UsageError, match="more than 5 cells"):
        plan.plan(endless())
