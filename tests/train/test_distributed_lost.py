"""A process that ends or falls silent: the others say so soon, instead of waiting for ever."""

import os
import time
from pathlib import Path

import pytest
from alike import spawn

from muybridge.core.errors import MuybridgeError
from muybridge.core.networks.gather import rank
from muybridge.train import distributed
from muybridge.train.distributed import PATIENCE


def work(folder: Path, silent: bool) -> None:
    """The second process ends, or sleeps; the first waits for it and writes down what it hears."""
    if rank() == 1:
        time.sleep(12 if silent else 0)
        os._exit(0)
    began = time.monotonic()
    try:
        with distributed.together():
            distributed.barrier()
    except MuybridgeError as error:
        (folder / "said.txt").write_text(f"{time.monotonic() - began:.0f}\n{error}")
    os._exit(0)


@pytest.mark.parametrize("silent", [False, True], ids=["ended", "silent"])
def test_a_lost_process_is_noticed_and_named(silent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(PATIENCE, "3")
    spawn(work, 2, tmp_path, silent)
    seconds, said = (tmp_path / "said.txt").read_text().split("\n", 1)
    assert float(seconds) < 11
    assert said.startswith("process 1 of 2 lost the others: one of them ended or did not answer within 3 s")
    assert "The same command goes on from the last saved state." in said
