"""Maps of layer similarity that a folder holds, sorted into groups that are shown together; their numbers as tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from muybridge.report.figures.map_pictures import MapPicture, map_picture, scale
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.read_maps import STAGE, LayerMap, has_published_axis, maps_of, on_published_axis
from muybridge.report.tables.table import Cell, Column, Table, missing, text
from muybridge.runs.contents.layer_maps import PERTURBED


@dataclass(frozen=True)
class MapGroup:
    """Maps that are shown side by side."""

    title: str
    slug: str
    maps: list[LayerMap]


def layer_maps(all_of: Gathered) -> list[LayerMap]:
    """The maps of a folder: by what is compared, network and seed."""
    return all_of.once(_layer_maps)


def _layer_maps(all_of: Gathered) -> list[LayerMap]:
    found = [one for run in all_of.runs if run.stage == STAGE for one in maps_of(run)]
    return sorted(found, key=lambda one: (one.measure != "cka", one.measure, _place(one, all_of)))


def _place(one: LayerMap, all_of: Gathered) -> tuple[object, ...]:
    facts = one.columns.facts
    arms = list(all_of.arms)
    arm = str(facts.get("arm"))
    order = arms.index(arm) if arm in arms else len(arms)
    return (
        facts.get("seed") or 0,
        order,
        arm,
        str(facts.get("level")),
        str(facts.get("source")),
        one.title,
        one.run.signature,
    )


def map_groups(maps: list[LayerMap]) -> list[MapGroup]:
    """Maps of one kind, data set, network and measure together, in the order in which they first come."""
    found: dict[str, list[LayerMap]] = {}
    for one in maps:
        found.setdefault(_group(one), []).append(one)
    return [
        MapGroup(title, f"similarity-{number}", some) for number, (title, some) in enumerate(found.items(), 1)
    ]


def _group(one: LayerMap) -> str:
    result = one.run.result
    data, pool = str(result.get("data", {}).get("name")), result["similarity"]["pool"]
    layers = result.get("config", {}).get("layers") or ["all"]
    how = [] if layers == ["all"] else ["some layers"]
    how += [] if pool == "none" else [f"pooled over {pool if pool != 'all' else 'space and time'}"]
    how += [] if one.measure in ("cka", PERTURBED) else [one.measure]
    networks = dict.fromkeys(
        str(axis.facts.get("backbone")) for axis in (one.rows, one.columns) if axis.facts
    )
    done = dict.fromkeys(
        str(axis.facts.get("done")) for axis in (one.rows, one.columns) if axis.facts.get("done")
    )
    where = [
        " and ".join(networks),
        *done,
        *([f"clips of {data}"] if not any(data in one for one in done) else []),
        *how,
    ]
    what = (
        "Clean against perturbed"
        if one.measure == PERTURBED
        else "Against itself"
        if one.itself
        else "Against each other"
    )
    return f"{what}: {', '.join(where)}"


@dataclass(frozen=True)
class ShownGroup:
    """A group on the page: pictures of the first seed, then those of the others; a table of numbers."""

    title: str
    slug: str
    first: list[MapPicture]
    others: list[MapPicture]
    table: Table


@dataclass(frozen=True)
class Similarity:
    """The section of a report on layers."""

    groups: list[MapGroup]
    shown: list[ShownGroup]
    scale: str
    maps: list[LayerMap]


def similarity(all_of: Gathered) -> Similarity | None:
    """What a folder says of layers; None without maps."""
    maps = layer_maps(all_of)
    groups = map_groups(maps)
    for group in map_groups([on_published_axis(one) for one in maps if has_published_axis(one)]):
        title = f"{group.title}, on the axis of the published figures"
        groups.append(MapGroup(title, f"similarity-{len(groups) + 1}", group.maps))
    return Similarity(groups, [_shown(group) for group in groups], scale(), maps) if maps else None


def _shown(group: MapGroup) -> ShownGroup:
    seeds = [one.columns.facts.get("seed") or 0 for one in group.maps]
    first = [one for one, seed in zip(group.maps, seeds, strict=True) if seed == min(seeds)]
    others = [one for one, seed in zip(group.maps, seeds, strict=True) if seed != min(seeds)]
    pictures = [map_picture(one) for one in first], [map_picture(one) for one in others]
    table = drift_table(group) if group.maps[0].measure == PERTURBED else numbers_table(group)
    return ShownGroup(group.title, group.slug, *pictures, table)


def numbers_table(group: MapGroup) -> Table:
    """Mean off the diagonal, block score and share inside the null band of every map."""
    columns = [
        Column("map"), Column("clips", True), Column("mean off the diagonal", True),
        Column("block score", True, "share of the pairs more than 10 layers apart with a similarity above 0.9"),
        Column("inside the null band, %", True), Column("modules that never fire", True), Column("run"),
    ]  # fmt: skip
    rows = []
    for one in group.maps:
        never = (
            len(one.rows.names)
            - one.rows.fired
            + (0 if one.itself else len(one.columns.names) - one.columns.fired)
        )
        clips, inside = one.run.result["similarity"]["clips"], one.told["inside_null"]
        rows.append([
            text(one.title), Cell(str(clips), sort=clips), *(_number(one.told[name]) for name in ("mean_off_diagonal", "block_score")),
            missing("undefined") if inside is None else Cell(f"{100 * inside:.1f}", sort=inside), Cell(str(never), sort=never),
            Cell(one.run.signature[:6], sort=one.run.signature, kind="code"),
        ])  # fmt: skip
    notes = [
        "Below each number: 95 % interval over redrawn source groups of the clips, for these networks. Layers count in the order in which "
        "they fire; those that never do are left out."
    ]
    legend = (
        "Similarity of layers, from 0 to 1, and shares in percent, with 95 % intervals over redrawn source groups of the clips; each map"
        " is of networks of the training seeds that it names."
    )
    return Table(group.slug, f"{group.title}: numbers", columns, rows, notes, legend=legend)


def drift_table(group: MapGroup) -> Table:
    """CKA of clean with perturbed features: mean over layers, first and last layer; how often a clip finds its clean twin, and chance."""
    means = {"mean": "mean over layers", "first": "first layer", "last": "last layer"}
    columns = [Column("network"), Column("perturbation"), Column("severity", True)]
    columns += [Column(words, True) for words in means.values()]
    columns += [
        Column("twin retrieval", True, "share of the perturbed clips whose nearest clean clip, by cosine at the last layer, is their own"),
        Column("its chance", True, "one in as many clips as were compared"),
    ]  # fmt: skip
    rows = [
        [
            text(one.title),
            text(row["type"]),
            Cell(str(row["severity"]), sort=row["severity"]),
            *(_plain(row[name]) for name in means),
            _number(row["twin"]) if "twin" in row else missing("not measured"),
            _plain(1 / one.run.result["similarity"]["clips"]),
        ]
        for one in group.maps
        for row in one.run.result["similarity"]["drift"]
    ]
    notes = [
        "Twin retrieval: every perturbed clip looks for its clean twin among all clean clips, by the features of the last layer averaged "
        "over places and frames. Below it: 95 % interval over redrawn source groups, for this network and these clips. Neither it nor CKA "
        "says anything of accuracy."
    ]
    legend = (
        "Similarity (CKA, 1 for unchanged) of a network's features of clean and of perturbed clips, by type and severity, without"
        " intervals; and the share of perturbed clips that find their clean twin among all clean clips by the features of the last layer,"
        " with 95 % intervals over source groups. Each row is one network of the training seed that it names."
    )
    return Table(group.slug, f"{group.title}: CKA and twin retrieval", columns, rows, notes, legend=legend)


def _number(told: dict[str, Any]) -> Cell:
    if told["value"] is None:
        return missing("undefined")
    ends = "" if told.get("low") is None else f"{told['low']:.3f}\N{EN DASH}{told['high']:.3f}"
    return Cell(f"{told['value']:.3f}", sort=told["value"], small=ends)


def _plain(value: float | None) -> Cell:
    return missing("undefined") if value is None else Cell(f"{value:.3f}", sort=value)


def tidy_rows(maps: list[LayerMap]) -> Iterator[dict[str, object]]:
    """One row for each map, or for each condition of clean against perturbed."""
    for one in maps:
        result = one.run.result
        base = {"run": one.run.signature, "measure": one.measure, "a": one.rows.title, "b": one.columns.title}
        base |= {"data": result["data"]["name"], "clips": result["similarity"]["clips"]}
        if one.measure == PERTURBED:
            for row in result["similarity"]["drift"]:
                yield (
                    base
                    | {"a": f"{row['type']} {row['severity']}"}
                    | {f"cka_{name}": row[name] for name in ("mean", "first", "last")}
                    | _columns("twin", row.get("twin", {}))
                )
            continue
        for name in ("mean_off_diagonal", "block_score"):
            base |= _columns(name, one.told[name])
        yield base | {"inside_null": one.told["inside_null"]}


def _columns(name: str, number: Mapping[str, object]) -> dict[str, Any]:
    return {name: number.get("value"), f"{name}_low": number.get("low"), f"{name}_high": number.get("high")}
