"""retrieval end to end on small real files: every video once, and numbers that equal those made by hand."""

import re

import numpy as np
import pytest
from frozen_helpers import TINY, by_hand, parts_of
from sklearn.metrics import average_precision_score

import muybridge
from muybridge.core.errors import UsageError
from muybridge.stages import retrieval

VIEWS = 3


@pytest.fixture(scope="module")
def pretrained(videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("retrieval")
    return muybridge.pretrain(data=videos, out=out, objective="rotnet", budget=24, **TINY)


@pytest.fixture
def retrieved(pretrained, videos, tmp_path):
    def call(**words):
        return muybridge.retrieval(
            data=videos, init=pretrained, out=tmp_path, fold=0, **TINY | {"views": VIEWS} | words
        )

    return call


def test_recall_and_average_precision_equal_those_made_by_hand(retrieved, pretrained, videos, monkeypatch):
    """Made of the features that the stage saw, which are those of each clip alone but for rounding (that decides between like clips)."""
    seen = {}
    plain = retrieval.nearest_in

    def looked(queries, gallery, number):
        seen["rows"] = queries, gallery
        return plain(queries, gallery, number)

    monkeypatch.setattr(retrieval, "nearest_in", looked)
    told = retrieved(ks=(1, 2, 5)).result
    _, train, test = parts_of(videos)
    for rows, records in zip(seen["rows"], (test, train), strict=True):
        alone = np.stack([by_hand(pretrained, r, VIEWS).mean(axis=0) for r in records])
        np.testing.assert_allclose(rows, alone, atol=1e-5)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in seen["rows"]]
    similarity = unit[0] @ unit[1].T
    asked, bank = (np.array([r.label for r in part]) for part in (test, train))
    order = np.argsort(-similarity, axis=1, kind="stable")
    for one in told["recall"]:
        hit = (bank[order[:, : one["k"]]] == asked[:, None]).any(axis=1)
        assert one["value"] == pytest.approx(hit.mean())
        assert sum(found for found, _ in one["groups"].values()) == hit.sum()
    assert [one["k"] for one in told["recall"]] == [1, 2, 5]
    # scikit-learn takes rows of equal similarity as one; ours come in the order of the gallery. Far apart it sees them alike.
    apart = -np.arange(len(bank))[order.argsort(axis=1)].astype(float)
    each = [average_precision_score(bank == label, row) for label, row in zip(asked, apart, strict=True)]
    assert told["average_precision"]["value"] == pytest.approx(np.mean(each), abs=1e-4)
    assert told["numbers"]["recall"] == pytest.approx(told["recall"][0]["value"])


@pytest.mark.parametrize("batch", [1, 8, 1000])
def test_no_video_is_dropped_whatever_the_batch(batch: int, retrieved, videos, monkeypatch):
    """VCOP's loader drops up to seven videos; here each is a query or in the gallery exactly once."""
    seen = {}
    plain = retrieval.nearest_in

    def looked(queries, gallery, number):
        seen["shapes"] = len(queries), len(gallery)
        return plain(queries, gallery, number)

    monkeypatch.setattr(retrieval, "nearest_in", looked)
    monkeypatch.setattr("muybridge.stages.testing.predict.PIXELS", batch * 4 * 16**2)
    told = retrieved(batch=batch).result
    _, train, test = parts_of(videos)
    assert seen["shapes"] == (len(test), len(train)) == (told["queries"], told["gallery"])
    assert len(train) % 8
    for one in (*told["recall"], told["average_precision"]):
        assert sorted(one["groups"]) == sorted(record.group for record in test)
        assert all(asked == 1 for _, asked in one["groups"].values())


def test_features_are_found_under_their_name(retrieved):
    pooled, conv5 = (retrieved(features=name, frames=8, stride=1).result for name in ("pooled", "conv5"))
    assert (pooled["dim"], conv5["dim"]) == (128, 2 * 128)
    assert pooled["protocol"]["hash"] != conv5["protocol"]["hash"]


def test_the_usual_ranks_go_as_far_as_the_gallery(retrieved):
    assert [one["k"] for one in retrieved().result["recall"]] == [1, 5, 10]


def test_ranks_beyond_the_gallery_are_refused(retrieved):
    with pytest.raises(UsageError, match=r"--ks 20: the gallery has 12 videos"):
        retrieved(ks=(1, 20))


def test_the_command_prints_recall_and_precision(run, videos, tmp_path):
    words = [word for name, value in TINY.items() for word in (f"--{name}", value)]
    code, out, _ = run("retrieval", "--data", videos, "--out", tmp_path, "--fold", 0, "--views", 1, *words)
    assert code == 0
    assert re.match(
        r"retrieval by random on \S+: recall at 1 [\d.]+% \([\d.]+% to [\d.]+%\), mean average precision [\d.]+% \(",
        out,
    )


def test_ten_clips_per_video_where_nothing_is_said(retrieved, videos, tmp_path):
    told = muybridge.retrieval(data=videos, out=tmp_path, fold=0, **TINY).result
    assert told["config"]["views"] == 10
    assert told["budget"]["clips"] + told["budget"]["cached"] == 160 + 120, (
        "all videos, and the training videos that calibrate the norms"
    )
