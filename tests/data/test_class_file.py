"""Class names as people have them in files, and how labels are found among them."""

import json
from pathlib import Path

import pytest

from muybridge.core.errors import UsageError
from muybridge.data.class_file import read_classes
from muybridge.stages.testing import labelling
from muybridge.stages.testing.labels import matched, same

NAMES = ("fall down", "walk", "3 point turn", "sit, then stand")
FORMS = {
    "plain.txt": "\n".join(NAMES),
    "comment.txt": "# of the paper\n" + "\n".join(NAMES),
    "dos.txt": "\r\n".join(NAMES),
    "from0.txt": "\n".join(f"{i} {n}" for i, n in enumerate(NAMES)),
    "tab.txt": "\n".join(f"{i}\t{n}" for i, n in enumerate(NAMES)),
    "comma.csv": "\n".join(f"{i},{n}" for i, n in enumerate(NAMES)),
    "colon.txt": "\n".join(f"{i}: {n}" for i, n in enumerate(NAMES)),
    "classInd.txt": "\n".join(f"{i} {n}" for i, n in enumerate(NAMES, 1)),
    "turned.txt": "\n".join(f"{i} {n}" for i, n in reversed(list(enumerate(NAMES)))),
    "list.json": json.dumps(NAMES),
    "by_number.json": json.dumps({str(i): n for i, n in enumerate(NAMES)}),
    "config.json": json.dumps({"model_type": "x", "id2label": {str(i): n for i, n in enumerate(NAMES)}}),
    "by_name.json": json.dumps({n: i for i, n in enumerate(NAMES)}),
    "text_numbers.json": json.dumps({n: str(i) for i, n in enumerate(NAMES)}),
    "label2id.json": json.dumps({"label2id": {n: i for i, n in enumerate(NAMES)}}),
    "kinetics.json": json.dumps({f'"{n}"': i for i, n in enumerate(NAMES)}),
    "shuffled.json": json.dumps({str(i): NAMES[i] for i in (2, 0, 3, 1)}),
    "no_suffix": json.dumps({str(i): n for i, n in enumerate(NAMES)}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_names_in_the_order_of_the_scores(tmp_path: Path, form: str):
    (tmp_path / form).write_text(FORMS[form])
    assert read_classes(tmp_path / form) == NAMES


def test_names_that_begin_with_numbers_of_their_own_are_names(tmp_path: Path):
    (tmp_path / "c.txt").write_text("10 push-ups\n20 push-ups\n")
    assert read_classes(tmp_path / "c.txt") == ("10 push-ups", "20 push-ups")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.txt", "0 a\n2 b", "look at 2"),
        ("a.txt", "1 a\n1 b", "look at 1"),
        ("a.txt", "a\na", "twice"),
        ("a.txt", "\n", "no names"),
        ("a.json", "{", "as JSON"),
        ("a.json", '{"5": "a"}', "look at 5"),
        ("a.json", '{"a": 0.5}', "neither"),
        ("a.json", "[1, 2]", "neither"),
        ("a.json", '{"a": true}', "neither"),
        ("a.json", "{}", "neither"),
    ],
)
def test_what_is_no_list_of_names_is_refused(tmp_path: Path, name: str, text: str, why: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=f"{why}.*id2label"):
        read_classes(tmp_path / name)


def test_labels_are_found_by_their_letters_and_the_difference_is_said():
    classes = ("apply eye make-up", "hand stand push ups", "yo yo")
    found = matched(("ApplyEyeMakeup", "yo_yo"), classes, "set")
    assert found.accepted == ((0,), (2,))
    (note,) = labelling.notes(found, ("ApplyEyeMakeup", "yo_yo"), True)
    assert note.endswith("'ApplyEyeMakeup' = 'apply eye make-up'")


def test_letters_that_two_classes_share_decide_nothing():
    classes = ("pick-up", "pick up", "else")
    assert matched(("Pick_Up", "pick-up"), classes, "set").accepted == ((1,), (0,))
    with pytest.raises(UsageError, match="'pickup' is none of"):
        matched(("pickup",), classes, "set")


def test_outputs_without_names_are_said_in_their_order():
    (note,) = labelling.notes(same([f"c{i}" for i in range(12)]), [f"c{i}" for i in range(12)], False)
    assert "output 0 = c0, output 1 = c1" in note
    assert "and 2 more" in note
