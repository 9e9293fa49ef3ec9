"""What a person sees while work goes on."""

import io
import sys

import pytest
from rich.console import Console

from muybridge.core.text.screen import Bars, Plain, screen, speed


def test_lines_say_rate_and_time_left_from_the_first_count_on(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Plain(every=10)
    for done, seconds in ((20, 0), (25, 5), (30, 5), (31, 1), (60, 9)):
        clock[0] += seconds
        plain.update("decode", done, 100, "x.mp4")
    plain.finish("decode", "decoded 100 videos")
    assert capsys.readouterr().err.splitlines() == [
        "decode: 30/100 (1.0/s, 70 s left)  x.mp4",
        "decode: 60/100 (2.0/s, 20 s left)  x.mp4",
        "decoded 100 videos",
    ]


def test_a_task_that_stands_still_promises_nothing(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Plain(every=10)
    plain.update("train", 3, 9)
    clock[0] += 30
    plain.update("train", 3, 9)
    assert capsys.readouterr().err == "train: 3/9 (0.0/s)\n"


def test_a_finished_task_starts_anew(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain(every=10)
    plain.update("a", 0, 10)
    plain.finish("a")
    clock[0] += 50
    plain.update("a", 0, 10)
    clock[0] += 10
    plain.update("a", 5, 10)
    assert capsys.readouterr().err == "a: 5/10 (2.0 s each, 10 s left)\n"


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (1234.5, "1,234/s"),
        (9.96, "10.0/s"),
        (1.0, "1.0/s"),
        (0.25, "4.0 s each"),
        (0.001, "1,000.0 s each"),
        (0.0, "0.0/s"),
    ],
)
def test_slow_work_is_told_in_seconds_that_one_takes(rate: float, words: str) -> None:
    assert speed(rate) == words


def _show(bars: Bars, width: int) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=width, force_terminal=True, color_system=None).print(bars.bars.get_renderable())
    return page.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_bars_stay_on_one_line_of_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    bars = Bars()
    for done in (0, 1234, 123_456):
        bars.update(
            "finetune r2plus1d-tiny rotnet fold 3", done, 1_234_567, "loss 0.1234, top-1 12.3 %, chance 25 %"
        )
    bars.update("short", 1, 2)
    lines = _show(bars, width)
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    assert (
        lines[0].replace(" …", "…").startswith("finetune r2plus1d-tiny rotnet…")
    )  # rich before 14.3 leaves the space
    assert " 123456/1234567 " in lines[0]
    assert ("loss" in lines[0]) == (width >= 100)
    assert " 1/2 " in lines[1]


def test_brackets_in_names_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    bars = Bars()
    bars.update("[red]a[/red]", 1, 2, "[bold]b.mp4")
    assert "[red]a[/red]" in _show(bars, 120)[0]
    assert "[bold]b.mp4" in _show(bars, 120)[0]


def test_a_finished_bar_goes_and_its_line_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    page = io.StringIO()
    monkeypatch.setattr(sys, "stderr", page)
    with Bars() as bars:
        bars.update("a", 1, 2)
        bars.finish("a", "[a] is done")
        bars.finish("never begun")
        assert bars.bars.tasks == []
    assert "[a] is done\n" in page.getvalue()


def test_bars_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    page = io.StringIO()
    monkeypatch.setattr(sys, "stderr", page)
    assert isinstance(screen(), Plain)
    monkeypatch.setattr(page, "isatty", lambda: True)
    assert isinstance(screen(), Bars)


def test_each_line_reaches_standard_error_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Plain() as plain:
        plain.say("one")
        assert capsys.readouterr() == ("", "one\n")
