"""From ``NAME_OR_FILE`` to a study: a shipped one, a Python file or a YAML file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.claim_words import claim_words
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.studies import STUDIES, tuning
from muybridge.studies.plan import Cell, Study, plan
from muybridge.studies.study_configs import CONFIGS, StudyConfig

KINDS = (".py", ".yaml", ".yml")


@dataclass(frozen=True)
class Recipe:
    """A study that was found.

    Attributes:
        name: of a shipped study, or the stem of a file.
        title: of its report.
        config: what the user can set.
        cells: makes the generator of stage configs.
        words: of the command that runs it.
        claims: the user's own, in the words of ``core.text.claim_words``.
        fit: the config that is run for what was asked, told through the second argument.
        place: says for an unfinished generator where in the file it stands; empty for shipped studies.
    """

    name: str
    title: str
    config: type[StudyConfig]
    cells: Callable[[Any], Study]
    words: tuple[str, ...]
    place: Callable[[Study], str] = lambda study: ""
    claims: Sequence[dict[str, object]] = ()
    fit: Callable[[Any, Callable[[str], None]], Any] = lambda config, say: config


def find(word: str) -> Recipe:
    """The study called ``word``, or in the file ``word``; a Python file is executed.

    Raises:
        UsageError: no such study or file, or a file that holds no study.
    """
    if word in STUDIES:
        entry = STUDIES[word]
        words = ("quickstart",) if word == "quickstart" else ("study", "run", word)
        found = Recipe(
            word, str(entry.facts["title"]), CONFIGS[word], lambda config: entry.load()(config), words
        )
        if word != "quickstart":
            return found
        from muybridge.studies.shipped.quickstart_fit import fitted

        return replace(found, fit=fitted)
    path = Path(word).expanduser()
    if path.suffix not in KINDS:
        raise UsageError(
            f"no study {word!r}.{suggestion(word, STUDIES)} Known: {', '.join(STUDIES)}; or a file NAME.py or NAME.yaml."
        )
    if not path.is_file():
        beside = [other.name for other in path.parent.glob("*") if other.suffix in KINDS]
        raise UsageError(f"{word}: no such study file.{suggestion(path.name, beside)}")
    return _from_python(path) if path.suffix == ".py" else _from_yaml(path)


def make_plan(recipe: Recipe, config: StudyConfig, memory: ResolveCache | None = None) -> list[Cell]:
    """Every cell of a study; of one with trials, these alone until they have been run.

    Raises:
        UsageError: a cell that cannot work; names the place in the study file.
    """
    memory = memory or ResolveCache()
    cells = _plan(recipe, recipe.cells(config), memory)
    if config.trials < 2:
        return cells
    tried = plan(tuning.trials(cells, config), memory)
    rates = tuning.rates_of(tried, config)
    return _plan(recipe, tuning.tuned(recipe.cells(config), rates), memory) if rates else tried


def _plan(recipe: Recipe, study: Study, memory: ResolveCache) -> list[Cell]:
    try:
        return plan(study, memory)
    except MuybridgeError as error:
        place = recipe.place(study)
        if not place:
            raise
        raise type(error)(f"{place}: {error}") from error


def _from_python(path: Path) -> Recipe:
    from muybridge.studies.files import python_file

    module = python_file.load(path)
    return Recipe(
        path.stem,
        str(getattr(module, "TITLE", path.stem)),
        python_file.config_of(module, path),
        python_file.guarded(module, path),
        ("study", "run", str(path.absolute())),
        lambda study: python_file.place(study, path),
        claim_words(getattr(module, "CLAIMS", []), str(path)),
    )


def _from_yaml(path: Path) -> Recipe:
    from muybridge.studies.files.yaml_cells import YamlStudy

    found = YamlStudy.read(path)
    words = ("study", "run", str(path.absolute()))
    return Recipe(
        path.stem,
        found.title or path.stem,
        StudyConfig,
        found.cells,
        words,
        lambda study: found.place,
        found.file.claims,
    )
