"""Maps of layers in a report: colours, labels, numbers, files, claims, and what a damaged map does."""

import base64
import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from fake_maps import LAYERS, facts, write_map
from fake_study import build
from matplotlib import colormaps
from PIL import Image

from muybridge.core.errors import MuybridgeError
from muybridge.core.plain_data import write_json
from muybridge.core.reference.colour_maps import MAGMA, VIRIDIS
from muybridge.report import write_report
from muybridge.report.claims.map_claims import Brighter
from muybridge.report.claims.verdicts import World, judge
from muybridge.report.figures.map_figures import drawn
from muybridge.report.figures.map_pictures import BLANK, INSIDE, map_picture, ticks
from muybridge.report.gather.collect import collect
from muybridge.report.gather.map_groups import drift_table, layer_maps, map_groups
from muybridge.report.gather.read_maps import has_published_axis, maps_of, on_published_axis
from muybridge.runs.contents.layer_maps import NAME


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    for arm, bright in (("vcop", 0.9), ("cvrl", 0.3), ("rspnet", 0.4), ("random", 0.95)):
        for seed in (0, 1, 2):
            write_map(folder, facts(arm, seed), bright=bright + 0.01 * seed)
    write_map(folder, facts("vcop"), facts("cvrl"), never=("idle",))
    write_map(folder, facts("vcop"), drift=True)
    write_map(folder, facts("vcop", source="builtin-motions@600"), bright=0.1)
    return folder


@pytest.fixture(scope="module")
def page(out) -> str:
    return write_report(out).html.read_text()


def pixels(picture) -> np.ndarray:
    raw = base64.b64decode(picture.image.partition(",")[2])
    return np.array(Image.open(io.BytesIO(raw)).convert("RGB"))


def test_the_first_layer_lies_at_the_bottom_left_and_colours_are_those_of_magma(out):
    run = write_map(out / "one", facts("vcop"), bright=0.5)
    shown = pixels(map_picture(maps_of(run)[0]))
    assert shown.shape == (14, 14, 3)
    assert shown[-1, 0].tolist() == shown[0, -1].tolist() == MAGMA[255].tolist()
    assert shown[-1, 1].tolist() == MAGMA[127].tolist()
    assert shown[0, 0].tolist() == list(INSIDE), "the last layer with the first, inside the null band"


def test_modules_that_never_fire_stand_at_the_end_in_a_colour_of_their_own(out):
    run = write_map(out / "two", facts("vcop"), never=("idle", "unused"))
    shown = pixels(map_picture(maps_of(run)[0]))
    assert shown.shape == (16, 16, 3)
    assert (shown[:2] == BLANK).all()
    assert (shown[:, -2:] == BLANK).all()
    assert not (shown[2:, :-2] == BLANK).all(axis=2).any()


def test_neither_colour_is_one_of_the_scale():
    for colour in (INSIDE, BLANK):
        assert np.abs(MAGMA.astype(int) - colour).max(axis=1).min() > 25


def test_labels_are_short_names_that_do_not_crowd():
    names = [f"stages.{i}.conv.{j}" for i in range(10) for j in range(9)] + ["stages", "head"]
    chosen = ticks(names, 14)
    assert len(chosen) <= 14
    assert np.diff(chosen).min() >= len(names) / 14
    assert "stages" in {names[place] for place in chosen}


def test_hovering_has_every_value_and_its_interval(page):
    told = [
        json.loads(words) for words in re.findall(r'<script type="application/json">(.*?)</script>', page)
    ]
    assert all(
        len(one["value"]) == len(one["rows"]) and len(one["value"][0]) == len(one["columns"]) for one in told
    )
    first = told[0]
    assert (first["columns"], first["value"][0][0], first["low"][0][0]) == (LAYERS, 1.0, 0.9)
    assert any(None in row for one in told for row in one["value"]), "never fired is no number"


def test_runs_of_similarity_are_no_arms(out, page):
    assert collect(out).arms == []
    assert not collect(out).experiments
    assert "Similarity of layers" in page


def test_maps_of_a_kind_stand_together(out):
    groups = map_groups(layer_maps(collect(out)))
    titles = [group.title for group in groups]
    assert titles[0] == "Against itself: shufflenet-tiny, fine-tuned on builtin-motions"
    assert any(title.startswith("Against each other") for title in titles)
    assert any(title.startswith("Clean against perturbed") for title in titles)


def test_numbers_as_csv_and_figures_as_files(out, page):
    rows = list(csv.DictReader((out / "tables" / "similarity.csv").read_text().splitlines()))
    vcop = next(row for row in rows if row["a"].startswith("vcop") and row["a"].endswith("seed 1"))
    assert (vcop["mean_off_diagonal"], vcop["mean_off_diagonal_low"], vcop["clips"]) == (
        "0.91",
        "0.81",
        "256",
    )
    assert {row["a"] for row in rows if row["measure"] == "perturbed"} == {"gaussian_noise 1", "reversal 5"}
    assert (out / "figures" / "similarity-1.png").read_bytes()[:4] == b"\x89PNG"
    assert (out / "figures" / "similarity-1.pdf").read_bytes()[:5] == b"%PDF-"
    assert "<svg" in (out / "figures" / "similarity-1.svg").read_text()
    assert (out / "tables" / "similarity-1.tex").is_file()
    assert "mean off the diagonal" in (out / "report.md").read_text()


def test_twin_retrieval_stands_beside_cka_with_its_interval_and_chance(out, page):
    group = next(one for one in map_groups(layer_maps(collect(out))) if one.maps[0].measure == "perturbed")
    table = drift_table(group)
    assert [column.name for column in table.columns][-3:] == ["last layer", "twin retrieval", "its chance"]
    told, older = (row[-2:] for row in table.rows)
    assert [(cell.text, cell.small) for cell in told] == [("0.750", "0.625\N{EN DASH}0.875"), ("0.004", "")]
    assert (older[0].text, older[0].kind) == ("not measured", "missing")
    assert "twin retrieval" in page
    rows = list(csv.DictReader((out / "tables" / "similarity.csv").read_text().splitlines()))
    found = {
        row["a"]: (row["twin"], row["twin_low"], row["twin_high"])
        for row in rows
        if row["measure"] == "perturbed"
    }
    assert found == {"gaussian_noise 1": ("0.75", "0.625", "0.875"), "reversal 5": ("", "", "")}


def test_equal_maps_give_equal_bytes(out):
    group = map_groups(layer_maps(collect(out)))[-1]
    assert drawn(group) == drawn(group)


def test_a_folder_without_maps_says_nothing_of_them(tmp_path):
    paths = write_report(build(tmp_path, seeds=(0,)))
    assert "Similarity of layers" not in paths.html.read_text()
    assert not [path.name for path in paths.figures if "similarity" in path.name]
    assert not list((tmp_path / "figures").glob("similarity*"))


def verdict(out: Path, claim: Brighter) -> tuple[str, list[str]]:
    (judged,) = judge([claim], World([], collect(out)))
    return judged.verdict, judged.missing


def test_a_reading_that_stands_is_supported_and_its_reverse_refuted(out):
    assert verdict(out, Brighter("w", {"arm": "vcop"}, {"arm": ("cvrl", "rspnet")})) == ("supported", [])
    assert verdict(out, Brighter("w", {"arm": "cvrl"}, {"arm": "vcop"}))[0] == "refuted"


def test_a_map_of_another_source_is_not_counted_in(out):
    """With it VCOP would be at 0.5 instead of 0.9 for seed 0."""
    (judged,) = judge([Brighter("w", {"arm": "vcop"}, {"arm": "random"})], World([], collect(out)))
    assert judged.evidence[0].interval.value == pytest.approx(-0.05)


def test_numbers_that_do_not_differ_and_single_seeds_are_undetermined(out, tmp_path):
    assert (
        verdict(out, Brighter("w", {"arm": "vcop"}, {"arm": "cvrl"}, score="block_score"))[0]
        == "undetermined"
    )
    for arm in ("vcop", "cvrl"):
        write_map(tmp_path, facts(arm), bright=0.9 if arm == "vcop" else 0.1)
    assert verdict(tmp_path, Brighter("w", {"arm": "vcop"}, {"arm": "cvrl"}))[0] == "undetermined: one seed"


def test_what_is_missing_is_named(out):
    found = verdict(out, Brighter("w", {"arm": "vcop"}, {"arm": ("cvrl", "tdl")}))
    assert found == ("undetermined", ["builtin-motions, shufflenet: tdl is missing"])
    assert verdict(out, Brighter("w", {"arm": "vcop"}, {"arm": "cvrl"}, {"network": "c3d"})) == (
        "undetermined",
        ["no finished map that it speaks of"],
    )


def test_a_damaged_map_is_listed_and_the_others_are_shown(tmp_path):
    write_map(tmp_path, facts("vcop"))
    bad = write_map(tmp_path, facts("cvrl"))
    (bad.path / NAME).write_bytes(b"nothing")
    text = write_report(tmp_path).markdown.read_text()
    assert "maps.safetensors: damaged" in text.replace("\\", "")
    assert "vcop, seed 0" in text


@pytest.mark.parametrize(
    "harm", [{"similarity": None}, {"similarity": {"a": 3}}, {"similarity": {"conditions": "x"}}]
)
def test_a_result_that_says_something_else_is_damaged(harm: dict, tmp_path):
    run = write_map(tmp_path, facts("vcop"))
    content = json.loads((run.path / "result.json").read_text())
    kept = content.pop("similarity")
    write_json(
        run.path / "result.json", content | {name: value and kept | value for name, value in harm.items()}
    )
    with pytest.raises(MuybridgeError, match="damaged"):
        maps_of(type(run)(run.path))


def test_a_network_of_the_benchmark_is_shown_on_the_published_axis_too(tmp_path):
    run = write_map(tmp_path, facts("vcop", backbone="r2plus1d"))
    (one,) = maps_of(run)
    assert has_published_axis(one)
    shown = on_published_axis(one)
    value = shown.filled("value")
    assert value.shape == (95, 95)
    rows = {name: place for place, name in enumerate(shown.rows.names)}
    block, stage = rows["conv2.block1"], rows["conv2"]  # one module here, stages.1
    assert value[block, stage] == 1
    assert value[block, rows["conv3"]] == 0.5
    assert np.isnan(value[rows["conv2.block1.relu1"]]).all()
    assert "on the axis of the published figures" in write_report(tmp_path).html.read_text()


def test_without_matplotlib_the_page_is_whole_and_a_line_says_what_to_install(out, page, monkeypatch, capsys):
    monkeypatch.setattr("muybridge.report.figures.map_figures.find_spec", lambda name: None)
    written = write_report(out)
    assert not written.figures
    assert written.html.read_text() == page
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "pip install 'muybridge[figures]'" in said[0]


def test_colour_maps_are_those_of_matplotlib():
    for name, mine in (("magma", MAGMA), ("viridis", VIRIDIS)):
        assert np.array_equal(mine, np.round(255 * colormaps[name](np.arange(256))[:, :3]))
