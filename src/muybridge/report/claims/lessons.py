"""Students with their teachers, found among the arms of a report: who taught whom, and what each is to be compared with.

Everything is read from the runs: a student names its teachers as inputs, and its controls have its config but for who teaches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from muybridge.core.plain_data import canonical
from muybridge.measure.robustness.answer_columns import Tested, mean_answers
from muybridge.report.claims.verdicts import Place, World
from muybridge.report.gather.collect import data_of, facets
from muybridge.report.scores.score import Arm, same_videos
from muybridge.runs.records import Run
from muybridge.runs.signing import signed_fields

TEACHING = (
    *("teacher_temperature", "teacher_classes", "weighting", "weighting_options"),
    *("teacher_views", "feature_weight", "feature_targets", "budget", "budget_unit", "seed"),
)
"""Fields in which a student may differ from its controls."""
TAUGHT = ("finetune", "probe")
Name = tuple[str, str]
Role = tuple[str, str]


@dataclass(frozen=True)
class Lesson:
    """A student of some teachers on untouched or on perturbed clips.

    Attributes:
        rule: how the teachers were weighed.
        teachers: in their order; None for one that was not tested in the same way.
        beside: other students with the same config: ``labels``, ``labels-matched``, ``permuted``, ``self``, and ``single N`` of teacher N.
        start: what the student starts from.
        models: the trained students behind its runs.
    """

    student: Place
    rule: str
    teachers: Sequence[Place | None]
    beside: Mapping[str, Place]
    start: str
    models: Sequence[Run] = field(repr=False)

    @property
    def best(self) -> Place | None:
        """The teacher with the highest clean accuracy on the test videos: the hardest to beat; None where one is missing."""
        found = [one for one in self.teachers if one is not None]
        if len(found) < len(self.teachers):
            return None
        return max(found, key=lambda one: one.arm.accuracy().value)

    @property
    def names(self) -> list[list[Name]]:
        """The runs of the teachers, of each of its models."""
        return [_teachers(model) for model in self.models]

    @cached_property
    def ensemble(self) -> Place | None:
        """The teachers' mean answer, seed by seed; None with one teacher, one missing, or other videos or classes."""
        return _ensemble(self.student, self.models, self.teachers)

    @property
    def tasks(self) -> str:
        """What the teachers started from, each once."""
        return " and ".join(dict.fromkeys(one.facets["arm"] for one in self.teachers if one is not None))


def lessons(world: World) -> list[Lesson]:
    """Every student with teachers whose classes are theirs, on untouched clips and, where it was perturbed, on perturbed ones."""
    return world.once(_lessons)


def _lessons(world: World) -> list[Lesson]:
    seen = _Seen(world, world.all_of.by_name)
    found = [_lesson(place, models, seen) for place, models in seen.places if _taught(models)]
    return [one for one in found if one is not None]


def roles_of(world: World, rule: str = "ae-kd") -> dict[int, list[Role]]:
    """What every place is in the lessons of one rule, by ``id``: ``teacher N`` or ``student``, and what the teachers started from.

    Of students that start from several things, those from random weights count, as the published ones seem to have done.
    """
    found: dict[int, list[Role]] = {}
    for one in lessons(world):
        if one.rule == rule and one.start == "random" and one.student.facets["stage"] == "finetune":
            found.setdefault(id(one.student), []).append(("student", one.tasks))
            for number, teacher in enumerate(one.teachers, start=1):
                if teacher is not None:
                    found.setdefault(id(teacher), []).append((f"teacher {number}", one.tasks))
    return found


def _taught(models: Sequence[Run]) -> bool:
    return all(_teachers(run) and _asked(run, "teacher_classes") != "permuted" for run in models)


class _Seen:
    """Places by the trained networks that they answer for, and networks by what they were trained with."""

    def __init__(self, world: World, runs: Mapping[Name, Run]) -> None:
        self.places: list[tuple[Place, list[Run]]] = []
        self._by_network: dict[tuple[str, Name], Place] = {}
        self._alike: dict[tuple[str, int], list[Run]] = {}
        for place in world.places:
            models = [model for run in place.arm.runs if (model := _network(run, runs)) is not None]
            if models and len(models) == len(place.arm.runs):
                self.places.append((place, models))
                for model in models:
                    self._by_network[place.facets["profile"], (model.stage, model.signature)] = place
        for run in runs.values():
            if run.stage == "finetune":
                self._alike.setdefault((_config(run), _seed(run)), []).append(run)

    def of(self, profile: str, names: Sequence[Name]) -> Place | None:
        """The one place that answers for all of some networks under a profile of perturbations."""
        found = [self._by_network.get((profile, name)) for name in names]
        first = found[0] if found else None
        return first if all(one is first for one in found) else None

    def beside(self, profile: str, models: Sequence[Run]) -> dict[str, Place]:
        """The controls of a student that are there for every seed."""
        told = [self._controls(model) for model in models]
        found = {}
        for name in told[0]:
            place = self.of(profile, [one[name] for one in told if name in one])
            if place is not None and all(name in one for one in told):
                found[name] = place
        return found

    def _controls(self, model: Run) -> dict[str, Name]:
        own = _teachers(model)
        alike = self._alike[_config(model), _seed(model)]
        alone = [run for run in alike if not _teachers(run)]
        plain = [run for run in alone if _asked(run, "budget") is None]
        found = {
            "labels": plain,
            "labels-matched": [run for run in alone if _asked(run, "budget_unit") == "epochs"],
            "permuted": [
                run for run in alike if _teachers(run) == own and _asked(run, "teacher_classes") == "permuted"
            ],
            "self": [
                run for run in alike if plain and _teachers(run) == [(plain[0].stage, plain[0].signature)]
            ],
        }
        if len(own) > 1:
            for number, teacher in enumerate(own, start=1):
                found[f"single {number}"] = [
                    run
                    for run in alike
                    if _teachers(run) == [teacher] and _asked(run, "teacher_classes") != "permuted"
                ]
        return {name: (some[0].stage, some[0].signature) for name, some in found.items() if some}


def _lesson(place: Place, models: Sequence[Run], seen: _Seen) -> Lesson | None:
    profile = place.facets["profile"]
    names = [_teachers(model) for model in models]
    if len({len(one) for one in names}) != 1:
        return None
    teachers = [seen.of(profile, column) for column in zip(*names, strict=True)]
    start = place.facets["arm"].partition(" taught by ")[0]
    rule = str(_asked(models[0], "weighting"))
    return Lesson(place, rule, teachers, seen.beside(profile, models), start, models)


def _ensemble(place: Place, models: Sequence[Run], teachers: Sequence[Place | None]) -> Place | None:
    """The teachers of each seed as one arm, if they answered for the videos of the student with its classes."""
    there = [one for one in teachers if one is not None]
    if len(there) < max(2, len(teachers)) or not all(same_videos(place.arm, one.arm) for one in there):
        return None
    classes = [data_of(run).get("classes") for one in (place, *there) for run in one.arm.runs]
    if any(one != classes[0] for one in classes):
        return None
    rows: dict[int, Tested] = {}
    for seed in dict.fromkeys(_seed(model) for model in models):
        members = [one.arm.rows.get(seed) for one in there]
        if any(one is None for one in members):
            return None
        try:
            rows[seed] = mean_answers([one for one in members if one is not None])
        except ValueError:
            return None
    runs = [run for one in there for run in one.arm.runs]
    name = "ensemble of " + " and ".join(dict.fromkeys(one.arm.name for one in there))
    return replace(
        place, arm=Arm(name, runs, rows, place.arm.blocks), gaps=[gap for one in there for gap in one.gaps]
    )


def _network(run: Run, runs: Mapping[Name, Run]) -> Run | None:
    """The trained network that a run answers for."""
    if run.stage in TAUGHT:
        return run
    model = run.result.get("inputs", {}).get("model")
    found = runs.get((model["stage"], model["signature"])) if model else None
    return found if run.stage == "robustness" and found is not None and found.stage in TAUGHT else None


def _teachers(run: Run) -> list[Name]:
    """Runs of the teachers of a run, in their order."""
    inputs = run.result.get("inputs", {})
    return [
        (inputs[f"teacher-{place}"]["stage"], inputs[f"teacher-{place}"]["signature"])
        for place in range(1, 1 + sum(name.startswith("teacher-") for name in inputs))
    ]


def _config(run: Run) -> str:
    """What must be equal in a student and its controls."""
    result = run.result
    config = {
        name: value
        for name, value in signed_fields(result.get("config", {}), run.stage).items()
        if name not in TEACHING
    }
    init = result.get("inputs", {}).get("init")
    begun = init["signature"] if init else None
    return canonical({"config": config, "init": begun, "data": data_of(run).get("fingerprint")})


def _asked(run: Run, name: str) -> object:
    return run.result.get("config", {}).get(name)


def _seed(run: Run) -> int:
    return int(facets(run)["seed"])
