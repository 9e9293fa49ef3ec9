"""The Dockerfile without Docker: what it copies is there and builds the package, what it starts exists, and nothing runs as root."""

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """Instructions with their words, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def copied(steps: list[tuple[str, str]]) -> list[str]:
    return [one for word, rest in steps if word == "COPY" for one in rest.split()[:-1]]


def test_what_is_copied_is_there_and_not_ignored(steps: list[tuple[str, str]]):
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    }
    assert set(copied(steps)) == kept
    assert all((ROOT / one).exists() for one in kept)


def test_what_is_copied_is_enough_to_build_the_package(steps: list[tuple[str, str]], project: dict):
    build = project["tool"]["hatch"]
    wanted = [
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
        build["version"]["path"],
        *build["build"]["targets"]["wheel"]["packages"],
    ]
    have = copied(steps)
    assert [
        one for one in wanted if not any(one == part or one.startswith(f"{part}/") for part in have)
    ] == []


def test_python_is_one_that_the_package_takes(steps: list[tuple[str, str]], project: dict):
    assert steps[0][0] == "FROM"
    version = steps[0][1].removeprefix("python:").removesuffix("-slim")
    least = project["project"]["requires-python"].removeprefix(">=")
    assert [int(part) for part in version.split(".")] >= [int(part) for part in least.split(".")]


def test_it_starts_the_command_as_a_user_without_rights(steps: list[tuple[str, str]], project: dict):
    order = [word for word, _ in steps]
    users = [rest for word, rest in steps if word == "USER"]
    assert users == ["muybridge"]
    assert not {"RUN", "COPY", "ADD"} & set(order[order.index("USER") :])
    assert any(word == "RUN" and "useradd" in rest and users[0] in rest for word, rest in steps)
    [start] = [json.loads(rest) for word, rest in steps if word == "ENTRYPOINT"]
    assert start[0] in project["project"]["scripts"]


def test_it_installs_what_it_copied_and_asks_nothing_else_of_the_net(steps: list[tuple[str, str]]):
    targets = {rest.split()[-1].rstrip("/") for word, rest in steps if word == "COPY"}
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    assert installs[-1].split()[-1] in targets
    assert not any(word == "ADD" or "curl" in rest or "wget" in rest for word, rest in steps)
