"""Tables of others: a style of their own, no row of ours, and what is not comparable is marked."""

from muybridge.core.reference.result_tables import Outside, Taken
from muybridge.report.tables.outside_tables import outside_tables


def row(model: str, value: float, unit: str = "videos", trained_on: str = "") -> Outside:
    return Outside(
        model,
        f"UCF {unit}",
        "ucf101",
        51,
        1944,
        unit,
        "accuracy",
        value,
        "zero-shot, one prompt",
        trained_on,
        "https://x.org",
        "f4cc6c8",
        "",
        "CC0",
    )


def test_each_task_is_a_table_that_says_classes_n_source_and_commit():
    videos, frames, doctor = outside_tables(
        {"t": Taken([row("a", 0.9), row("b", 0.8, trained_on="ucf101"), row("c", 0.7, "frames")], {}, [])}
    )
    assert {videos.style, frames.style} == {"outside"}
    assert [cells[0].text for cells in videos.rows] == ["a", "b"]
    assert videos.rows[0][2].text == "88.7–91.3"
    assert videos.rows[1][1].mark == "not zero-shot"
    assert frames.rows[0][2].text == "frames are not independent"
    assert any("51 classes, n = 1" in note for note in videos.notes)
    assert any(
        "https://x.org at f4cc6c8, CC0" in note and "never ranked with our runs" in note
        for note in videos.notes
    )
    assert {cells[0].text for cells in doctor.rows} >= {"renamed task", "unit", "labels seen"}


def test_only_the_data_that_is_wanted_is_shown():
    assert outside_tables({"t": Taken([row("a", 0.9)], {}, [])}, ["hmdb51"]) == []
