"""``muybridge published``: result tables of others, taken in with their facts or refused, looked at, and shown apart from ours."""

from collections.abc import Sequence
from pathlib import Path

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import visible

HELP = """usage: muybridge published add FILE [--facts FACTS.yaml] [--name NAME] [--out OUT]
       muybridge published show [OUT] [--data NAME ...]

Numbers that others measured. A row needs its source, commit, number of videos and protocol, or it is refused.

add FILE       take the rows of a CSV file into OUT/published/NAME.csv and print what a doctor finds in them: copies of one
               network, tasks that count other classes than their data set has, impossible values, chance, labels seen
--facts FILE   what is said of its rows (docs/zeroshot.md has an example); FILE with .yaml instead of .csv when not given
--name NAME    of the table; that of the file when not given
show OUT       print the tables as Markdown; `muybridge report OUT` has them too where OUT holds runs
--data NAME    only these data sets
--out OUT      folder of results (default: muybridge-out)
"""


def run(words: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if not words or "-h" in words or "--help" in words:
        print(HELP, end="")
        return 0
    verb, rest = words[0], list(words[1:])
    if verb not in ("add", "show"):
        raise UsageError(f"published has no {verb!r}.{suggestion(verb, ('add', 'show'))} Known: add, show.")
    return _add(rest) if verb == "add" else _show(rest)


def _add(words: list[str]) -> int:
    from muybridge.core.reference import result_tables
    from muybridge.measure.results_doctor import examine
    from muybridge.runs.out import claim

    files, given = _parse(words, ("--facts", "--name", "--out"))
    if len(files) != 1:
        raise UsageError(f"published add takes one file, got {len(files)}.")
    table = Path(files[0])
    facts = Path(given["--facts"][0]) if given["--facts"] else table.with_suffix(".yaml")
    out = Path(given["--out"][0] if given["--out"] else "muybridge-out").absolute()
    taken = result_tables.take(table, facts)
    for why, number in taken.refused.items():
        print(visible(f"refused: {number} rows: {why}"))
    if not taken.rows:
        raise UsageError(
            f"{table}: no row is left. Say source, commit, n and protocol of its tasks in {facts}."
        )
    claim(out, resume=True, overwrite=False)
    path = result_tables.store(
        out, given["--name"][0] if given["--name"] else table.stem, taken.rows, taken.elsewhere
    )
    for one in examine(taken.rows, taken.elsewhere):
        print(visible(f"{one.kind}: {one.words}"))
    print(f"{len(taken.rows)} rows: {path}")
    return 0


def _show(words: list[str]) -> int:
    from muybridge.core.reference.result_tables import stored
    from muybridge.report.formats.markdown import table_words
    from muybridge.report.tables.outside_tables import outside_tables

    folders, given = _parse(words, ("--data",))
    if len(folders) > 1:
        raise UsageError(f"published show takes one folder, got {len(folders)}.")
    out = Path(folders[0] if folders else "muybridge-out")
    found = stored(out)
    if not found:
        raise UsageError(
            f"{out}: no table of others; `muybridge published add FILE --out {out}` takes one in."
        )
    print("\n\n".join(table_words(table) for table in outside_tables(found, given["--data"])))
    return 0


def _parse(words: list[str], flags: tuple[str, ...]) -> tuple[list[str], dict[str, list[str]]]:
    """Words without a flag, and the values behind flags."""
    rest: list[str] = []
    given: dict[str, list[str]] = {flag: [] for flag in flags}
    while words:
        word, *words = words
        name, sign, value = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
        elif name not in flags:
            raise UsageError(f"published has no {name}.{suggestion(name, flags)}")
        elif sign:
            given[name].append(value)
        elif not words:
            raise UsageError(f"{name} wants a value.")
        else:
            value, *words = words
            given[name].append(value)
    return rest, given
