"""Tables of the runs themselves: data, budgets, missing cells, provenance, environment."""

from collections.abc import Sequence

from muybridge.core.files import TEXT
from muybridge.core.plain_data import read_json
from muybridge.core.text.plurals import listed
from muybridge.core.text.redact import redact
from muybridge.report.gather.collect import Gathered, data_of, facets
from muybridge.report.tables.accuracy_tables import arm_cell
from muybridge.report.tables.table import (
    DASH,
    MISSING,
    Cell,
    Column,
    Table,
    count,
    grouped,
    missing,
    scientific,
    text,
)
from muybridge.runs.contents.result_fields import Budget, DataFields, amount
from muybridge.runs.records import Run

BUDGET = ("clips", "steps", "with_gradient", "decoded", "frames", "flops")
"""Units in which a budget may be equal or not."""
UNITS = {"with_gradient": "passes with a gradient", "decoded": "decoded frames", "flops": "FLOPs"}
"""Their names in sentences, where it is another one."""
SHOWN = {
    "clips": "clips", "with_gradient": "passes with gradient", "without_gradient": "passes without", "steps": "steps", "epochs": "epochs",
    "decoded": "decoded frames", "frames": "encoded frames", "flops": "FLOPs",
}  # fmt: skip
"""Parts of a budget by the names of their columns."""
COUNTED = (
    "A clip is one pass through the encoder or its momentum copy, with a gradient or without; an epoch shows every training video once;"
    " decoded frames were taken from videos, of which a task makes one clip or several."
)
SAME_FLOPS = 0.02  # relative; tasks differ in their heads, everything else is counted and must be equal


def data_table(all_of: Gathered) -> Table:
    """One row per data set as used: classes, videos, broken files, fingerprint."""
    columns = [Column("data"), Column("classes", True), Column("videos"), Column("broken files", True)]
    columns += [Column("fingerprint"), Column("source"), Column("used by")]
    rows = []
    for data, runs in used_data(all_of):
        videos = _video_counts(runs)
        stages = listed(list(dict.fromkeys(run.stage for run in runs)))
        rows.append(
            [
                text(data.get("name", "unnamed data")),
                count(len(data.get("classes") or [])),
                text(videos or "not told"),
                count(max(len(data_of(run).get("broken", [])) for run in runs)),
                Cell(str(data.get("fingerprint", "not told")), kind="code"),
                text(listed([str(one) for one in data.get("source", [])])),
                text(stages),
            ]
        )
    legend = "Videos by their part in the study, over all folds; files that cannot be decoded are broken."
    return Table("data", "Data sets as used", columns, rows, legend=legend)


def used_data(all_of: Gathered) -> list[tuple[DataFields, list[Run]]]:
    """Distinct data sets (by name and fingerprint) with the runs that used them."""
    found: dict[str, tuple[DataFields, list[Run]]] = {}
    for run in all_of.runs:
        data = data_of(run)
        name = str([data.get(key) for key in ("name", "fingerprint")])
        found.setdefault(name, (data, []))[1].append(run)
    return [found[name] for name in sorted(found)]


def _video_counts(runs: list[Run]) -> str:
    """Videos by split, with the range over folds: ``"train 1 500, test 38–40"``."""
    counts: dict[str, list[int]] = {}
    for run in runs:
        for split, number in data_of(run).get("videos", {}).items():
            counts.setdefault(split, []).append(number)
    ranges = {split: sorted({min(numbers), max(numbers)}) for split, numbers in counts.items()}
    return ", ".join(
        f"{split} {DASH.join(grouped(one) for one in numbers)}" for split, numbers in ranges.items()
    )


def broken_table(all_of: Gathered) -> Table | None:
    """Files that could not be read; None when there are none."""
    lines = {
        (str(data.get("name")), str(one["path"]), str(one.get("reason", "")))
        for data in map(data_of, all_of.runs)
        for one in data.get("broken", [])
    }
    columns = [Column("data"), Column("file"), Column("reason")]
    rows = [
        [text(data), Cell(path, sort=path, kind="code"), text(reason)] for data, path, reason in sorted(lines)
    ]
    legend = "Files of each data set that could not be decoded, with the decoder's reason."
    caption = "Broken files, left out of training and wrong in tests"
    return Table("broken", caption, columns, rows, legend=legend) if rows else None


def budget_table(all_of: Gathered) -> Table | None:
    """What pretraining cost, one row per run; None without pretraining."""
    runs = _pretraining(all_of)
    if not runs:
        return None
    differs = unequal([run for _, run in runs])
    columns = [Column("arm"), Column("data"), *(Column(name, True) for name in ("seed", *SHOWN.values()))]
    columns += [Column("wall time, s", True), Column("remarks")]
    several = len({backbone_of(run) for _, run in runs}) > 1
    rows = [_budget_row(run, name, differs, several, all_of) for name, run in runs]
    rows += [
        [
            arm_cell(name, all_of),
            _data_cell(experiment.data, experiment.details),
            *_unspent(words, len(columns) - 2),
        ]
        for experiment in all_of.of("pretrain")
        for name, seeds in experiment.arms.items()
        for words in ([""] if not seeds else experiment.holes.get(name, []))
    ]
    notes = [budget_words(all_of), COUNTED, *tuning_words(all_of)]
    notes.append("Wall time depends on the machine and may differ.")
    legend = "What each pretraining run spent, one row for each arm, data set and training seed; wall time in seconds."
    return Table("budget", "Pretraining budget", columns, rows, notes, legend=legend)


def _unspent(words: str, width: int) -> list[Cell]:
    """Cells of an arm, or of one of its seeds, that has no run."""
    return [missing(words or MISSING), *(missing("") for _ in range(width - 1))]


def _data_cell(data: str, network: str) -> Cell:
    return Cell(data, sort=data, small=network)


def _budget_row(run: Run, name: str, differs: list[str], several: bool, all_of: Gathered) -> list[Cell]:
    spent, one = run.result.get("budget", {}), facets(run)
    cells = [_spent_cell(key, amount(spent, key)) for key in SHOWN]
    marked = [
        Cell(cell.text, cell.sort, kind="warn" if key in differs else cell.kind)
        for key, cell in zip(SHOWN, cells, strict=True)
    ]
    seconds = spent.get("seconds")
    wall = Cell(f"{seconds:.1f}", sort=seconds) if seconds is not None else missing("not told")
    told = [*run.result.get("notes", []), *(["limited run"] if run.result.get("limited") else [])]
    remarks = "; ".join([*broken_budget(run), *told])
    left_out = "" if one["fold"] is None else f"without fold {one['fold']}"
    seed = Cell(str(one["seed"]), sort=one["seed"], small=left_out)
    return [
        arm_cell(name, all_of),
        _data_cell(one["data"], backbone_of(run) if several else ""),
        seed,
        *marked,
        wall,
        Cell(remarks, sort=remarks, kind="warn" if remarks else ""),
    ]


def _spent_cell(key: str, spent: float | None) -> Cell:
    if key == "flops" or key == "epochs":
        words = scientific if key == "flops" else "{:.1f}".format
        return Cell(words(spent), sort=spent) if spent is not None else missing("not told")
    return count(spent)


def backbone_of(run: Run) -> str:
    """Name of its backbone; empty where it does not say."""
    return str(facets(run).get("backbone") or "")


def broken_budget(run: Run) -> list[str]:
    """Words for a run that did not keep the budget it was given; nothing otherwise."""
    spent = run.result.get("budget", {})
    if spent.get("kept") is not False:
        return []
    asked = spent.get("asked")
    told = f" (asked {grouped(asked)} {spent.get('unit', '')}".rstrip() + ")" if asked is not None else ""
    return [f"broke its budget{told}"]


def _pretraining(all_of: Gathered) -> list[tuple[str, Run]]:
    """(arm, run) of every pretraining run, in the order of arms."""
    return [
        (arm, run)
        for experiment in all_of.of("pretrain")
        for arm, seeds in experiment.arms.items()
        for runs in seeds.values()
        for run in runs
    ]


def unequal(runs: Sequence[Run], units: Sequence[str] = BUDGET) -> list[str]:
    """Which parts of the budget differ between pretraining runs of one network.

    Clips, frames and epochs differ when they are further apart than a step, FLOPs when by more than 2 %. Networks are not compared with
    each other: a clip costs each of them something else.
    """
    by_network: dict[str, list[Budget]] = {}
    for run in runs:
        by_network.setdefault(backbone_of(run), []).append(run.result.get("budget", {}))
    return [key for key in units if any(_apart(budgets, key) for budgets in by_network.values())]


def _apart(budgets: Sequence[Budget], key: str) -> bool:
    spent = [float(one) for budget in budgets if (one := amount(budget, key)) is not None]
    if not spent:
        return False
    steps = [float(amount(b, key) or 0) / b["steps"] for b in budgets if b.get("steps")]
    slack = SAME_FLOPS * max(spent) if key == "flops" else max(steps, default=0.0) if key != "steps" else 0.0
    return max(spent) - min(spent) > slack


def budget_words(all_of: Gathered) -> str:
    """Whether the arms were pretrained under one budget, as a sentence."""
    runs = _pretraining(all_of)
    differs = unequal([run for _, run in runs])
    if len({arm for arm, _ in runs}) < 2:
        return "Only one arm was pretrained: there is no budget to compare."
    if not differs:
        spent = [run.result.get("budget", {}).get("flops") or 0 for _, run in runs]
        apart = 1 - min(spent) / max(spent) if max(spent) else 0.0
        heads = f"; FLOPs differ by {100 * apart:.1f} % (the tasks' own heads)" if apart else " (FLOPs too)"
        return (
            f"The pretraining budget in clips, steps and frames is equal across arms{heads}.{_epochs(runs)}"
        )
    same = [key for key in BUDGET if key not in differs]
    tail = f"; equal: {listed([_unit(key) for key in same])}" if same else ""
    unlike = listed([_unit(key) for key in differs])
    return f"The pretraining budget is NOT equal across arms. Different: {unlike}{tail}.{_epochs(runs)}"


def tuning_words(all_of: Gathered) -> list[str]:
    """How many learning rates were tried for every task, and which were taken; nothing where none were."""
    rows = all_of.study.get("tuning", [])
    taken = [row for row in rows if row["chosen"]]
    if not taken:
        return []
    told = [
        f"{row['objective']} on {row['backbone']} {row['lr']:.3g} ({row['factor']:.2g} times its own)"
        for row in taken
    ]
    return [
        f"Equal tuning: {len(rows) // len(taken)} learning rates were tried for every task and network, and held-out training videos"
        f" chose {listed(told)}."
    ]


def _unit(key: str) -> str:
    return UNITS.get(key, key)


def _epochs(runs: Sequence[tuple[str, Run]]) -> str:
    """How often the videos were seen, where that differs between arms."""
    seen = [float(spent) for _, run in runs if (spent := run.result.get("budget", {}).get("epochs"))]
    if not seen or max(seen) - min(seen) < 0.01 * max(seen):
        return ""
    return f" Videos were seen {min(seen):.1f} to {max(seen):.1f} times (epochs)."


def damaged_table(all_of: Gathered) -> Table | None:
    """Finished runs that cannot be read; None when there are none."""
    columns = [Column("stage"), Column("run"), Column("what is wrong")]
    rows = [
        [text(one.run.stage), Cell(one.run.signature, sort=one.run.signature, kind="code"), text(one.reason)]
        for one in all_of.damaged
    ]
    return (
        Table("damaged", "Damaged runs, left out of everything", columns, rows, paper=False) if rows else None
    )


def missing_table(all_of: Gathered) -> Table | None:
    """Failed and unfinished cells; None when there are none."""
    columns = [Column("cell"), Column("what happened"), Column("log")]
    rows = [
        [text(one.summary), text(one.reason), Cell(one.log, sort=one.log, kind="code")]
        for one in all_of.missing
    ]
    return Table("missing", "Planned cells without a result", columns, rows, paper=False) if rows else None


def runs_table(all_of: Gathered) -> Table:
    """Every run with the command that makes it again."""
    columns = [Column("stage"), Column("run"), Column("signature"), Column("precision"), Column("command")]
    rows = []
    for run in sorted(
        all_of.runs, key=lambda run: (str(run.stage), str(run.result.get("summary")), run.signature)
    ):
        command = str(run.result.get("command", ""))
        limited = "limited run" if run.result.get("limited") else ""
        rows.append(
            [
                text(run.stage),
                Cell(
                    str(run.result.get("summary", "")), sort=str(run.result.get("summary", "")), small=limited
                ),
                Cell(
                    run.signature,
                    sort=run.signature,
                    kind="code",
                    links=((run.signature, f"run-{run.signature}"),),
                ),
                text(run.result.get("precision", "not told")),
                Cell(command, sort=command, kind="command"),
            ]
        )
    return Table("runs", "Every run and the command that reproduces it", columns, rows, paper=False)


def environment_table(all_of: Gathered) -> Table:
    """What the runs ran on; a fact with several values names how many runs had each."""
    columns = [Column("fact"), Column("value"), Column("runs", True)]
    told: dict[str, dict[str, int]] = {}
    for run in all_of.runs:
        path = run.path / "env.json"
        for fact, value in (redact(read_json(path, TEXT)) if path.is_file() else {}).items():
            if fact != "argv":
                values = told.setdefault(fact, {})
                values[_shown(value)] = values.get(_shown(value), 0) + 1
    rows = [
        [text(fact), text(value), count(number)]
        for fact in sorted(told)
        for value, number in sorted(told[fact].items())
    ]
    mixed = [fact for fact, values in told.items() if len(values) > 1]
    notes = [f"Not the same in all runs: {listed(sorted(mixed))}."] if mixed else []
    legend = "Versions and machine, with the number of runs that had them."
    return Table("environment", "Environment", columns, rows, notes, legend=legend)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
