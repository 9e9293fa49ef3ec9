"""Claims that the study of diversity decides: by its own rule, and undetermined until it has run."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from muybridge.claims.verify import registered as module
from muybridge.claims.verify.registered import SAYS, decided, registered_study
from muybridge.core.errors import UsageError
from muybridge.measure.diversity.association import Association
from muybridge.measure.diversity.verdict import NOTHING, Evidence, verdict
from muybridge.report.scores.diversity_evidence import Registered

UP = Association(0.6, 0.3, 0.8, 0.001, 48, 0.35, 0.75)
FLAT = Association(0.02, -0.15, 0.18, 0.9, 48, -0.1, 0.15)
WIDE = Association(0.2, -0.1, 0.5, 0.2, 48, -0.05, 0.45)
DOWN = Association(-0.6, -0.8, -0.3, 0.001, 48, -0.75, -0.35)
FEW = Association(0.9, 0.5, 1.0, 0.01, 8, 0.6, 1.0)

CASES: list[tuple[str, dict[str, Association], str]] = [
    ("primary", {"primary": UP, "second": UP, "placebo": FLAT}, "supported"),
    ("primary", {"primary": UP}, "undetermined"),  # no second backbone, no placebo sets
    ("primary", {"primary": FLAT}, "refuted"),
    ("primary", {"primary": WIDE}, "undetermined"),
    ("primary", {"primary": NOTHING}, "undetermined"),
    ("combiner", {"primary": UP, "combiner": UP}, "supported"),
    ("combiner", {"primary": UP, "combiner": FLAT}, "refuted"),
    ("combiner", {"primary": UP, "combiner": FEW}, "undetermined"),
    ("combiner", {"primary": UP}, "undetermined"),
    ("unexposed", {"primary": UP, "every_cell": UP}, "supported"),
    ("unexposed", {"primary": DOWN, "every_cell": UP}, "refuted"),
    ("altering", {"primary": UP, "altering": FLAT}, "supported"),
    ("altering", {"primary": UP, "altering": DOWN}, "refuted"),
    ("altering", {"primary": UP, "altering": Association(-0.3, -0.6, 0.1, 0.1, 48)}, "undetermined"),
    ("altering", {"primary": WIDE, "altering": UP}, "undetermined"),
    ("altering", {"primary": FLAT, "altering": UP}, "refuted"),
    ("altering", {"primary": UP}, "undetermined"),
]


@pytest.mark.parametrize(("of", "parts", "word"), CASES)
def test_the_word_follows_from_the_evidence(of: str, parts: dict[str, Association], word: str):
    found = Evidence(**parts)
    one = decided(of, found, verdict(found), 0.2, 0.05)
    assert one.verdict == word
    assert one.reason
    assert one.n_unit == "sets of losses"
    assert (one.effect is None) == (one.p is None)
    assert all(not isinstance(x, float) or not math.isnan(x) for x in (one.effect, *(one.ci or ())))


def test_a_folder_of_runs_is_judged_by_its_registration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    prereg: dict[str, Any] = {
        "sha256": "ab",
        "population": {"data": ["builtin-motions"]},
        "hypothesis": {"primary": {"sesoi": 0.2, "alpha": 0.05}},
    }
    runs = [
        SimpleNamespace(
            stage="robustness",
            signature=name,
            result={
                "config": {"prereg": of},
                "facets": {"data": "builtin-motions"},
                "data": {"fingerprint": "f1"},
            },
        )
        for name, of in (("s1", "ab"), ("s2", "other"))
    ]
    found = Evidence(primary=UP, second=UP, placebo=FLAT)
    monkeypatch.setattr(module, "collect", lambda folder: SimpleNamespace(runs=runs))
    monkeypatch.setattr(module, "registered", lambda all_of: Registered(prereg))
    monkeypatch.setattr(module, "judge", lambda made: (found, verdict(found)))
    one = registered_study(tmp_path, "primary")
    assert (one.verdict, one.effect, one.ci, one.n, one.p) == ("supported", 0.6, (0.3, 0.8), 48, 0.001)
    assert one.runs == ["robustness/s1"]
    assert one.data == {"builtin-motions": "f1"}
    assert "drawn clips answer for themselves alone" in one.reason
    monkeypatch.setattr(module, "registered", lambda all_of: None)
    assert "no pre-registered study" in registered_study(tmp_path, "primary").reason
    with pytest.raises(UsageError, match=", ".join(SAYS)):
        registered_study(tmp_path, "primry")
