"""Sound folders in which single values are other ones, sealed again as whoever made them could.

``FOLDERS`` folders in all. In each, about half of the runs say one thing that they should not; which one, and in the place of what, is
drawn by a fixed seed: some 2,000 values of 48 kinds in some 1,400 of the 2,500 fields of the config, environment, curve and result of
13 runs.
"""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from result_folder import Farm, raw, resealed

from muybridge.runs.records import Run

FOLDERS = 320
TOLD = ("result.json", "config.yaml", "env.json", "metrics.jsonl")
"""Files of a run whose fields are changed; of ``predictions.parquet`` see ``hostile_runs``."""
CODE = "canary_of_mine:make"
HTML = "\"'><script>window.evil=1</script><img src=x onerror=evil()>"
TEX = "[x]\\input{/etc/passwd}\\immediate\\write18{touch evil}%$&_#"
FORMULA = "=cmd|' /C calc'!A0"
DIGITS = "@DIGITS@"
"""Stands for a number of 5,000 digits, which Python does not write."""
GONE = "@GONE@"
Place = tuple[str, tuple[Any, ...]]

WORDS: dict[str, Any] = {
    "code": CODE, "code of the system": "os:abort", "up": "../../../../outside/.bashrc", "absolute": "/etc/passwd", "device": "/dev/zero",
    "home": "~/.bashrc", "address": "evil://place/a", "file address": "file:///etc", "hub": "hf:/etc", "html": HTML, "tex": TEX,
    "formula": FORMULA, "plus": "+1+1", "at": "@SUM(1)", "link": "[x](javascript:evil())", "steers": "\x1b]0;owned\x07\x1b[2J\x9b\u202e",
    "lines": "a\n# b\n\n| c |\r\n", "zero": "a\0b", "half a letter": "\ud800", "long": "x" * 100_000, "empty": "", "percent": "%s {0} %n",
    "secret": "https://user:hunter2hunter2@example.org/?token=hunter2hunter2", "look-alike": "\uff0e\uff0e\uff0fx", "digit": "\u0663",
}  # fmt: skip
NUMBERS: dict[str, Any] = {
    "digits": DIGITS, "many digits": 10**4000, "beyond float": 10**400, "beyond 64 bits": 2**64, "negative": -1, "nothing": 0,
    "large": 1e308, "tiny": 5e-324, "not a number": float("nan"), "infinite": float("-inf"), "fraction": 0.5, "huge": 2**53 - 1,
}  # fmt: skip
OTHERS: dict[str, Any] = {
    "gone": GONE, "null": None, "true": True, "list": [], "lists": [[[]]], "words": ["x", HTML], "numbers": [1, None, "x"], "object": {},
    "objects": {HTML: {"x": [1]}, "": None, "../x": 3}, "deep": 0, "wide": [1] * 50_000,
}  # fmt: skip
for _ in range(50):
    OTHERS["deep"] = [OTHERS["deep"]]
VALUES = {**WORDS, **NUMBERS, **OTHERS}


def fields(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in plain data, of lists the first and the last element."""
    if place:
        yield place
    if isinstance(content, dict):
        for name in content:
            yield from fields(content[name], (*place, name))
    elif isinstance(content, list):
        for number in sorted({0, len(content) - 1}) if content else ():
            yield from fields(content[number], (*place, number))


def put(content: Any, place: tuple[Any, ...], value: Any) -> None:
    """Put a value in a place, or take away what is there."""
    for name in place[:-1]:
        content = content[name]
    if isinstance(value, str) and value == GONE:
        del content[place[-1]]
    else:
        content[place[-1]] = value


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)


def _json(content: Any, **how: Any) -> str:
    return json.dumps(content, **how).replace(f'"{DIGITS}"', "9" * 5000)


@cache
def places(folder: Path) -> list[Place]:
    """Every field of a run: file and place; checksums stand aside, ``hostile_runs`` has those."""
    found = []
    for name in TOLD:
        if (folder / name).exists():
            found += [
                (name, place) for place in fields(_read(folder / name)) if place[0] not in ("files", "sha256")
            ]
    return found


def changed(folder: Path, file: str, place: tuple[Any, ...], value: Any) -> None:
    """Change one value of a file of a run, and seal the run again where what it says can be written at all."""
    path, run = folder / file, Run(folder)
    content = _read(path)
    put(content, place, value)
    if file == "result.json":
        content.pop("sha256")
        try:
            raw(run, {**content, "sha256": ""})
        except ValueError:  # halves of letters and numbers of 3,000 digits have no checksum of ours
            path.write_text(_json(content))
        path.write_text(path.read_text().replace(f'"{DIGITS}"', "9" * 5000))
        return
    if file == "metrics.jsonl":
        path.write_text("".join(_json(row) + "\n" for row in content))
    elif file == "config.yaml":
        path.write_text(yaml.safe_dump(content, allow_unicode=False).replace(f"'{DIGITS}'", "9" * 5000))
    else:
        path.write_text(_json(content))
    resealed(run)


def harm(farm: Farm, seed: int) -> list[str]:
    """Change values in a sound folder; returns what was changed, for the message of a failure."""
    draw, done = random.Random(seed), []
    for name, run in farm.runs.items():
        if draw.random() < 0.5:
            continue
        file, place = draw.choice(places(run.path))
        kind = draw.choice(list(draw.choice([WORDS, NUMBERS, OTHERS])))
        done.append(f"{name}/{file} {'.'.join(map(str, place))}: {kind}")
        changed(run.path, file, place, VALUES[kind])
    if draw.random() < 0.8:
        return done
    content = _read(farm.out / "study.json")
    place, kind = draw.choice(list(fields(content))), draw.choice(list(VALUES))
    put(content, place, VALUES[kind])
    (farm.out / "study.json").write_text(_json(content))
    return [*done, f"study.json {'.'.join(map(str, place))}: {kind}"]
