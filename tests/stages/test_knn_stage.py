"""knn end to end on small real files, against scikit-learn on features computed by hand."""

import numpy as np
import pytest
from frozen_helpers import TINY, by_hand, parts_of
from sklearn.neighbors import KNeighborsClassifier

import muybridge
from muybridge.core.errors import UsageError
from muybridge.data.decode.video import write
from muybridge.measure.accuracy import top_k
from muybridge.runs.contents.predictions import read_predictions

VIEWS = 3


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """8 videos a class of colours and textures of their own: their features are far enough apart that no neighbour hangs on rounding."""
    root = tmp_path_factory.mktemp("coloured")
    rng = np.random.default_rng(5)
    for label in ("left", "right"):
        (root / label).mkdir()
        for number in range(8):
            coarse = rng.integers(0, 256, (24, 4, 6, 3)).astype(np.uint8)
            frames = coarse.repeat(8, axis=1).repeat(8, axis=2) // 2 + rng.integers(0, 128, 3).astype(
                np.uint8
            )
            write(root / label / f"{number}.mp4", frames, 12.0)
    return root


@pytest.fixture(scope="module")
def pretrained(videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("knn")
    return muybridge.pretrain(data=videos, out=out, objective="vcop", budget=48, **TINY | {"stride": 1})


@pytest.fixture(scope="module")
def answered(pretrained, videos):
    return muybridge.knn(
        data=videos,
        init=pretrained,
        out=pretrained.path.parents[2],
        fold=0,
        views=VIEWS,
        k=5,
        ks=(1, 3),
        **TINY,
    )


def test_no_neighbour_hangs_on_rounding(pretrained, videos):
    """What makes the tests below mean the same on every processor."""
    _, train, test = parts_of(videos)
    unit = {r.id: by_hand(pretrained, r, VIEWS).mean(axis=0).astype(float) for r in (*train, *test)}
    unit = {name: row / np.linalg.norm(row) for name, row in unit.items()}
    near = -np.sort([[-unit[r.id] @ unit[s.id] for s in train] for r in test], axis=1)
    assert (near[:, [0, 2, 4]] - near[:, [1, 3, 5]]).min() > 5e-7


def peer(pretrained, videos, k: int, weights) -> np.ndarray:
    """scikit-learn's shares of the votes for the test videos."""
    _, train, test = parts_of(videos)
    rows = {r.id: by_hand(pretrained, r, VIEWS).mean(axis=0) for r in (*train, *test)}
    model = KNeighborsClassifier(k, weights=weights, metric="cosine", algorithm="brute")
    model.fit([rows[r.id] for r in train], [r.label for r in train])
    return model.predict_proba([rows[r.id] for r in test])


def test_the_answers_are_weighted_votes_of_k_neighbours(answered, pretrained, videos):
    rows = read_predictions(answered.path / "predictions.parquet")
    _, _, test = parts_of(videos)
    assert rows.video.tolist() == [record.id for record in test]
    assert (rows.view.tolist(), set(rows.perturbation.tolist())) == ([0] * len(test), {"clean"})
    shares = rows.scores / rows.scores.sum(axis=1, keepdims=True)
    expected = peer(pretrained, videos, 5, lambda distance: np.exp(-distance / 0.07))
    np.testing.assert_allclose(shares, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("vote", "weights"), [("majority", "uniform"), ("weighted", lambda d: np.exp(-d / 0.07))]
)
@pytest.mark.parametrize("k", [1, 3])
def test_every_k_and_vote_is_on_record(k: int, vote: str, weights, answered, pretrained, videos):
    (told,) = (one for one in answered.result["knn"] if (one["k"], one["vote"]) == (k, vote))
    _, _, test = parts_of(videos)
    right = peer(pretrained, videos, k, weights).argmax(axis=1) == [record.label for record in test]
    assert told["accuracy"] == pytest.approx(right.mean())
    assert told["groups"] == {
        record.group: [hit, 1] for record, hit in zip(test, right.tolist(), strict=True)
    }


def test_the_result_says_what_was_done(answered):
    result = answered.result
    assert (result["k"], result["facets"]["protocol"], result["facets"]["arm"]) == (5, "kNN", "vcop")
    assert result["protocol"]["recipe"]["k"] == 5
    assert len(result["knn"]) == 4
    assert result["data"]["videos"] == {"train": 12, "test": 4}
    assert result["numbers"]["accuracy"] == pytest.approx(
        top_k(read_predictions(answered.path / "predictions.parquet"))
    )


def test_usual_numbers_go_as_far_as_the_gallery(videos, tmp_path):
    told = muybridge.knn(data=videos, out=tmp_path, fold=0, **TINY).result
    assert sorted({one["k"] for one in told["knn"]}) == [1, 5, 10]
    assert told["k"] == 6, "as many as there are training videos per class"


@pytest.mark.parametrize("words", [{"k": 13}, {"ks": (1, 13)}, {"k": 0}], ids=["k", "ks", "zero"])
def test_more_neighbours_than_the_gallery_has_are_refused(words: dict, videos, tmp_path):
    with pytest.raises(UsageError, match=r"--ks? \d+: the gallery has 12 videos; wanted 1 to 12"):
        muybridge.knn(data=videos, out=tmp_path, fold=0, **TINY | words)


def test_a_temperature_of_zero_is_refused(videos, tmp_path):
    with pytest.raises(UsageError, match=r"--temperature 0.0: wanted a number above 0"):
        muybridge.knn(data=videos, out=tmp_path, fold=0, temperature=0.0, **TINY)


def test_features_that_are_no_numbers_are_refused(videos, tmp_path, monkeypatch):
    from muybridge.stages.features import frozen

    plain = frozen.encoded
    monkeypatch.setattr(frozen, "FORMAT", -1)
    monkeypatch.setattr(
        frozen, "encoded", lambda *words: ((np.full_like(rows, np.nan), ids) for rows, ids in plain(*words))
    )
    with pytest.raises(UsageError, match="kNN: the features of 16 of 16 clips are not finite"):
        muybridge.knn(data=videos, out=tmp_path, fold=0, **TINY)
