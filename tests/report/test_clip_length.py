"""Clips of two lengths in one report: arms and experiments are told apart by their clips, and the claims say what the data were made of."""

from itertools import product
from pathlib import Path

import pytest
from fake_study import rows, write_run

from muybridge.core.plain_data import write_json
from muybridge.report import write_report
from muybridge.report.claims.study_claims import shipped
from muybridge.report.claims.verdicts import judge
from muybridge.report.gather.collect import collect
from muybridge.report.sections.study.claims_section import world

VIDEOS = [f"v{index:04d}" for index in range(300)]
TRUTH = {(4, 3): 0.4, (4, 6): 0.7, (8, 3): 0.7}
"""By frames and step: what helps is the time that a clip covers, not its frames."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clips")
    for arm, seed in product(("rotnet", "vcop"), range(3)):
        common = {
            "arm": arm,
            "seed": seed,
            "backbone": "r2plus1d-tiny",
            "data": "builtin-motions",
            "source": "builtin-motions",
        }
        for frames in (4, 8):
            facets = {**common, "frames": str(frames), "protocol": "pretraining"}
            budget = {
                "clips": 600,
                "steps": 9,
                "frames": 600 * frames,
                "flops": 1e9 * frames,
                "with_gradient": 600,
            }
            write_run(out, "pretrain", facets, budget=budget, chance=0.25, lr=f"{arm} {seed} {frames}")
        for (frames, stride), level in TRUTH.items():
            words = f"{arm} {seed} {frames} {stride}"
            clips = {"frames": frames, "stride": stride}
            facets = {**common, "frames": str(frames), "protocol": "fine-tune, all labels"}
            kept = {"protocol": {"hash": f"{frames}{stride}ab", "clips": clips}, "chance": 0.1, "lr": words}
            write_run(out, "finetune", facets, rows(level, 10, VIDEOS, VIDEOS, words), **kept)
    write_json(
        out / "study.json",
        {"name": "clip-length", "title": "Length of clips", "config": {"scale": "tiny"}, "cells": []},
    )
    return out


def test_arms_bear_their_clips_and_so_do_experiments(folder: Path):
    gathered = collect(folder)
    assert not gathered.notes, "no run is shown on its own"
    assert {name for one in gathered.of("pretrain") for name in one.arms} >= {
        "rotnet, 4 frames",
        "rotnet, 8 frames",
    }
    told = {one.details.split(", r2plus1d")[0] for one in gathered.of("finetune")}
    assert told == {"clips of 4 frames, step 3", "clips of 4 frames, step 6", "clips of 8 frames, step 3"}


def test_the_claims_of_the_study_tell_time_from_frames(folder: Path):
    gathered = collect(folder)
    told = {one.words: one for one in judge(shipped(gathered.study), world(gathered))}
    assert [one.verdict for words, one in told.items() if "twice" in words] == ["supported", "undetermined"]
    assert told["All arms were pretrained on equally many clips."].verdict == "supported"
    assert told["All arms were pretrained on equally many frames."].verdict == "refuted"
    page = write_report(folder).markdown.read_text(encoding="utf-8")
    assert "clips of 8 frames, step 3" in page
