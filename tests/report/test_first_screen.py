"""The first screen says what its rows say and no more; sections, formats and titles are chosen; clips that flip are shown."""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fake_study import MOTIONS, build, data, rows, strip, write_run

import muybridge
from muybridge.core.errors import UsageError
from muybridge.report import write_report
from muybridge.report.figures.drawing import COLOURS, COLUMN, WIDE
from muybridge.report.formats.html import html
from muybridge.report.formats.latex import latex
from muybridge.report.gather.collect import collect
from muybridge.report.sections.content import Content, content
from muybridge.report.sections.experiments import scored_experiments
from muybridge.report.sections.first_screen import accuracy_clause, seeds_words
from muybridge.report.tables.accuracy_tables import accuracy_table
from muybridge.runs.contents.predictions import Predictions, concatenate
from muybridge.runs.contents.strips import clip_name, clip_of

VIDEOS = [f"v{index:03d}" for index in range(60)]
SVG = "{http://www.w3.org/2000/svg}"
HASH = re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6,}\b")


def finetuned(folder: Path, arm: str, level: float, seed: int = 0, name: str = "daily", **more) -> str:
    facets = {"arm": arm, "data": name, "seed": seed, "protocol": "fine-tuning"}
    made = rows(level, 4, VIDEOS, VIDEOS, f"{arm} {seed}")
    told = {"chance": 0.25, "data": {**data("daily"), "name": name, "classes": ["a", "b", "c", "d"]}, **more}
    return write_run(folder, "finetune", facets, made, **told)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("study"), seeds=(0,))


@pytest.fixture(scope="module")
def shown(study: Path) -> Content:
    return content(collect(study))


def test_every_data_set_has_one_sentence(shown: Content):
    tested = {one.experiment.data for one in scored_experiments(shown.all_of)}
    assert [name for name, _ in shown.answers] == list(dict.fromkeys(name for name, _ in shown.answers))
    assert {name for name, _ in shown.answers} == tested
    assert all(
        words.endswith(".") and words.count(". ") == 0 and "interval" in words for _, words in shown.answers
    )


def test_the_experiment_with_the_most_arms_speaks_for_its_data(tmp_path: Path):
    """A larger teacher stands alone in an experiment of its own network, which comes first by name."""
    told = {"chance": 0.25, "data": {**data("daily"), "name": "d", "classes": ["a", "b", "c", "d"]}}
    for backbone, levels in (("a-net", {"vcop": 0.9}), ("b-net", {"random": 0.3, "vcop": 0.8})):
        for arm, level in levels.items():
            facets = {"arm": arm, "data": "d", "seed": 0, "protocol": "fine-tuning", "backbone": backbone}
            write_run(
                tmp_path,
                "finetune",
                facets,
                rows(level, 4, VIDEOS, VIDEOS, arm),
                protocol={"hash": backbone},
                **told,
            )
    ((name, words),) = content(collect(tmp_path)).answers
    assert name == "d"
    assert "this vcop network is above random" in words
    assert "(1 more experiment below)" in words


@pytest.mark.parametrize(("levels", "wanted"), [
    ({"random": 0.25, "vcop": 0.9}, "this vcop network is above random"),
    ({"random": 0.25, "vcop": 0.9, "rotnet": 0.55}, "this vcop network is above every other arm"),
    ({"vcop": 0.9, "rotnet": 0.88}, "has the highest accuracy"),
])  # fmt: skip
def test_above_is_said_only_where_every_corrected_comparison_stands(
    tmp_path: Path, levels: dict[str, float], wanted: str
):
    for arm, level in levels.items():
        finetuned(tmp_path, arm, level)
    [scored] = scored_experiments(collect(tmp_path))
    words = accuracy_clause(scored)
    assert wanted in words
    assert "1 training seed" in words
    best = scored.ranked()[0]
    apart = all(scored.between(best, other).stands for other in scored.ranked()[1:])
    assert (" is above " in words) == apart
    assert ("cannot be separated" in words) == (not apart)
    assert f"{100 * scored.arms[best].accuracy().value:.1f} %" in words


def test_several_seeds_speak_of_the_way_of_training(tmp_path: Path):
    for seed in range(3):
        finetuned(tmp_path, "random", 0.3, seed)
        finetuned(tmp_path, "vcop", 0.9, seed)
    [scored] = scored_experiments(collect(tmp_path))
    assert seeds_words(scored.arms["vcop"]) == "3 training seeds"
    assert "in fine-tuning vcop is above random" in accuracy_clause(scored)


def test_one_arm_alone_stands_beside_chance(tmp_path: Path):
    finetuned(tmp_path, "vcop", 0.25)
    [scored] = scored_experiments(collect(tmp_path))
    words = accuracy_clause(scored)
    assert "chance 25.0 %" in words
    low, high = scored.arms["vcop"].accuracy().low, scored.arms["vcop"].accuracy().high
    assert ("not separable from chance" in words) == (low <= 0.25 <= high)
    told = content(collect(tmp_path))
    assert told.question == "How often is vcop right on daily?"


def test_the_chart_has_every_arm_of_every_experiment(shown: Content):
    wanted = [(len(one.arms), one.experiment.name) for one in scored_experiments(shown.all_of)]
    names = {task.name.lower(): len(task.bars) for task in shown.tasks}
    for number, name in wanted:
        assert names[name.lower()] == number
    assert sum("perturbed" in name for name in names) == 1


def test_limits_stand_apart_from_results_and_say_what_they_are_about(shown: Content):
    about = {one.about for one in shown.unknown}
    assert {"Budget", "Seeds", "Groups", "Missing", "Runs", "Tests"} <= about
    assert not about & {one.about for one in shown.told}


def test_results_come_first_claims_and_methods_behind(shown: Content):
    names = [one.section.name for one in shown.chapters]
    assert names[:2] == ["diversity-of-losses", "accuracy"], (
        "the answer of a registered study first, where there is one"
    )
    assert names[-1] == "provenance"
    assert names.index("robustness") < names.index("claims-of-the-study") < names.index("pretraining")


class Sections(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.chapters: dict[str, bool] = {}
        self.summaries = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "details" and told.get("class") == "chapter":
            self.chapters[str(told["id"])] = "open" in told
        self.summaries += tag == "summary"


def test_sections_unfold_and_every_link_of_the_menu_leads_to_one(shown: Content):
    page = html(shown)
    read = Sections()
    read.feed(page)
    links = set(re.findall(r'<a href="#([^"]+)">', page.partition("<nav")[2].partition("</nav>")[0]))
    assert links == set(read.chapters)
    assert not any(read.chapters.values())
    assert read.summaries >= len(read.chapters)
    assert 'class="skip" href="#answer"' in page


def test_title_sections_and_formats_are_chosen(tmp_path: Path):
    for arm, level in {"random": 0.3, "vcop": 0.9}.items():
        finetuned(tmp_path, arm, level)
    whole = write_report(tmp_path)
    assert {path.name for path in whole.figures} == {"accuracy.svg"}
    everything = {
        path.name: path.read_bytes()
        for path in (*whole.tables, *whole.latex, *whole.figures, whole.html, whole.markdown)
    }
    kept = whole.markdown.read_bytes()
    few = write_report(tmp_path, "My own title?", ["data-used"], ["html", "csv", "latex", "figures"])
    page = few.html.read_text()
    assert few.markdown is None
    assert whole.markdown.read_bytes() == kept
    assert "<h1>My own title?</h1>" in page
    assert 'id="data-used"' in page
    assert 'id="accuracy"' not in page
    assert "vcop network" not in page
    assert few.tables == few.figures == []
    assert not (tmp_path / "tables" / "accuracy.csv").exists()
    assert {path.name for path in (tmp_path / "tables").glob("*.tex")} == {"broken.tex", "data.tex"}
    assert not list((tmp_path / "figures").iterdir())
    again = write_report(tmp_path)
    assert {
        path.name: path.read_bytes()
        for path in (*again.tables, *again.latex, *again.figures, again.html, again.markdown)
    } == everything


def test_a_section_without_runs_leaves_no_trace(tmp_path: Path):
    finetuned(tmp_path, "vcop", 0.9)
    made = muybridge.report(tmp_path, sections="robustness", format=["html", "csv"])
    assert made.tables == []
    assert 'class="chapter" id="robustness"' not in made.html.read_text()


@pytest.mark.parametrize(("more", "near"), [
    ({"sections": ["acuracy"]}, "Did you mean 'accuracy'?"), ({"formats": ["htm"]}, "Did you mean 'html'?"),
])  # fmt: skip
def test_unknown_names_are_refused_before_anything_is_written(tmp_path: Path, more: dict, near: str):
    finetuned(tmp_path, "vcop", 0.9)
    with pytest.raises(UsageError, match=re.escape(near)):
        write_report(tmp_path, **more)
    assert not (tmp_path / "report.html").exists()


def test_old_figures_go_and_pictures_of_others_stay(tmp_path: Path):
    finetuned(tmp_path, "vcop", 0.9)
    write_report(tmp_path)
    (tmp_path / "figures" / "mine.svg").write_text("<svg/>")
    write_report(tmp_path, sections=["data-used"])
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["mine.svg"]


def drawings(folder: Path) -> dict[str, ElementTree.Element]:
    return {
        path.stem: ElementTree.fromstring(path.read_bytes())
        for path in sorted((folder / "figures").glob("*.svg"))
    }


def test_figures_fit_columns_tell_what_they_show_and_name_no_run(study: Path):
    write_report(study, formats=["figures"])
    found = drawings(study)
    assert set(found) == {"accuracy", "robustness", "severity-fine-tuning-20-labels-builtin-motions"}
    signatures = {run.signature[:6] for run in collect(study).runs}
    for name, one in found.items():
        assert one.get("width") in {f"{COLUMN / 72:g}in", f"{WIDE / 72:g}in"} == {"3.25in", "6.75in"}
        caption = one.find("{*}desc").text
        assert "percent" in caption
        assert "95 % intervals" in caption
        assert "chance" in caption
        text = "".join(one.itertext())
        assert not any(hash in text for hash in signatures)
        ends = [float(mark.get("x")) for mark in one.iter(f"{SVG}text")]
        assert min(ends) >= 0
        assert max(ends) <= float(one.get("viewBox").split()[2]), name


def test_pdfs_are_drawn_where_figures_are_asked_for_with_letters_inside(tmp_path: Path):
    pytest.importorskip("matplotlib", reason="needs the extra figures")
    finetuned(tmp_path, "vcop", 0.9)
    made = write_report(tmp_path, formats=["figures"])
    assert {path.name for path in made.figures} == {"accuracy.svg", "accuracy.pdf"}
    content = (tmp_path / "figures" / "accuracy.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content
    assert write_report(tmp_path, formats=["figures"]).figures[1].read_bytes() == content


def test_without_matplotlib_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    from muybridge.report.figures import drawing

    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    finetuned(tmp_path, "vcop", 0.9)
    assert [path.name for path in write_report(tmp_path, formats=["figures"]).figures] == ["accuracy.svg"]
    assert "pip install 'muybridge[figures]'" in capsys.readouterr().err


def test_accuracy_stands_over_the_flops_of_pretraining_and_test_protocol(tmp_path: Path):
    for backbone, cost in (("r2plus1d", 8e12), ("shufflenet", 1e12)):
        for arm, level in {"rotnet": 0.5, "vcop": 0.8}.items():
            facets = {
                "arm": arm,
                "data": "unlabelled",
                "seed": 0,
                "protocol": "pretrain",
                "backbone": backbone,
            }
            first = write_run(tmp_path, "pretrain", facets, lr=f"{backbone} {arm}", budget={"flops": cost})
            facets = {"arm": arm, "data": "daily", "seed": 0, "protocol": "fine-tuning", "backbone": backbone}
            made = rows(level, 4, VIDEOS, VIDEOS, f"{arm} {backbone}")
            told = {
                "chance": 0.25,
                "data": data("daily"),
                "inputs": {"init": {"stage": "pretrain", "signature": first}},
                "budget": {"flops": cost / 4},
            }
            write_run(tmp_path, "finetune", facets, made, lr=f"{backbone} {arm} tuned", **told)
    write_report(tmp_path, formats=["figures"])
    one = drawings(tmp_path)["accuracy-flops-finetune-daily"]
    spots = {mark.get("cx") for mark in one.iter(f"{SVG}circle") if mark.get("r") == "2.8"}
    corners = {mark.get("points") for mark in one.iter(f"{SVG}polygon") if mark.get("fill") in COLOURS[1:3]}
    assert len(spots) == 1  # both tasks of the network that is drawn as circles cost the same
    assert len(corners) == 2
    square = np.mean([float(pair.split(",")[0]) for pair in min(corners).split()])
    ticks = [
        float(mark.get("x"))
        for mark in one.iter(f"{SVG}text")
        if re.fullmatch("10[⁰¹²³⁴⁵⁶⁷⁸⁹]+", mark.text or "")
    ]
    power = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    assert abs(float(spots.pop()) - square - power * np.log10(8)) < 0.1  # 10 against 1.25 TFLOP
    caption = one.find("{*}desc").text
    assert "shapes are networks (r2plus1d and shufflenet)" in caption
    assert "floating-point operations" in caption


def test_latex_has_no_hashes_and_captions_that_stand_alone(study: Path):
    gathered = collect(study)
    scored = next(one for one in scored_experiments(gathered) if one.experiment.stage == "probe")
    made = latex(accuracy_table(scored, gathered))
    assert not HASH.search(made)
    caption = re.search(r"\\caption\{(.*)\}\n", made).group(1)
    for wanted in (
        "percent",
        "240 test videos of builtin-motions",
        "1 training seed",
        "240 source groups",
        r"95 \% intervals",
        "Holm",
    ):
        assert wanted in caption
    paths = write_report(study, formats=["latex"]).latex
    signatures = {run.signature[:6] for run in gathered.runs}
    for path in paths:
        assert not signatures & set(re.findall(r"[0-9a-f]{6}", path.read_text())), path


def perturbed(folder: Path, many: int = 3) -> tuple[list[str], Predictions]:
    """A robustness run of which some clips are kept: right without perturbation, wrong with jpeg 3."""
    parts = [rows(0.9, 12, VIDEOS, VIDEOS, "clean")]
    parts += [rows(0.2, 12, VIDEOS, VIDEOS, "bad", "jpeg", severity) for severity in (1, 3)]
    made = concatenate(parts)
    clean, hard = (made.condition(*one) for one in (("clean", 0), ("jpeg", 3)))
    lost = [
        video
        for video, right, left in zip(VIDEOS, clean.correct, hard.correct, strict=True)
        if right and not left
    ][:many]
    strips = {
        clip_name(video, *one): strip(f"x {one[1]}") for video in lost for one in (("clean", 0), ("jpeg", 3))
    }
    facets = {"arm": "vcop", "data": "builtin-motions", "seed": 0, "protocol": "fine-tuning"}
    write_run(
        folder,
        "robustness",
        facets,
        made,
        chance=1 / 12,
        data=data("builtin-motions"),
        strips={"clean": strip("clean"), **strips},
    )
    return lost, made


def test_clips_that_flip_stand_clean_beside_perturbed_with_what_was_answered(tmp_path: Path):
    lost, made = perturbed(tmp_path)
    page = write_report(tmp_path, formats=["html"]).html.read_text()
    part = page.partition('id="clips"')[2].partition('class="chapter"')[0]
    assert part.count("<li ") == len(lost) == 3
    assert part.count("data:image/jpeg") == 6
    assert "right without perturbation and wrong with it" in part
    for video in lost:
        own = part.partition(f"<small>{video}</small>")[2].partition("</li>")[0]
        label = MOTIONS[int(made.label[made.video == video][0])]
        assert f"clean: {label} (right)" in own
        row = (made.video == video) & (made.perturbation == "jpeg") & (made.severity == 3)
        assert f"jpeg 3: {MOTIONS[int(made.where(row).predicted[0])]}" in own
    assert f"film strip: {lost[0]}" not in page.partition('id="film"')[2].partition('class="chapter"')[0]


def test_a_page_keeps_its_size_whatever_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from muybridge.report.figures import clip_strips

    monkeypatch.setattr(clip_strips, "MOST", 2)
    perturbed(tmp_path)
    page = write_report(tmp_path, formats=["html"]).html.read_text()
    assert page.count('<li data-label="') == 2


@pytest.mark.parametrize(
    "name", ["clean", "jpeg 3", "clip:", "clip:a", "clip:a:b", "clip:a:b:c", "clip:a:b:1234"]
)
def test_other_strips_are_no_clips(name: str):
    assert clip_of(name) is None


@pytest.mark.parametrize("video", ["v1", "a/b c.mp4", "with:colons:3", ""])
def test_names_of_clips_come_back(video: str):
    assert clip_of(clip_name(video, "motion_blur", 5)) == (video, "motion_blur", 5)


def test_the_command_takes_title_sections_and_formats(tmp_path: Path, capsys: pytest.CaptureFixture):
    from muybridge.cli.main import main

    finetuned(tmp_path, "vcop", 0.9)
    assert (
        main(
            [
                "report",
                str(tmp_path),
                "--title",
                "Mine",
                "--sections",
                "accuracy",
                "data-used",
                "--format",
                "md",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.startswith("1 run; report: ")
    assert (tmp_path / "report.md").read_text().startswith("# Mine\n")
    assert not (tmp_path / "report.html").exists()
    assert main(["report", str(tmp_path), "--format", "pdf"]) == 2
    assert "Known: html, md, latex, csv, figures" in capsys.readouterr().err
