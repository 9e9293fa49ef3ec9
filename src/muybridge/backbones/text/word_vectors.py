"""Embeddings of texts for models that were never trained on any: static word vectors from a file, a table of token vectors, a text model.

A text is the mean of the vectors of its words or tokens, each of length one. Nothing is downloaded and nothing is unpickled.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from muybridge.backbones.outside.model_folder import CONFIG, folder_of
from muybridge.backbones.outside.wrapped import library
from muybridge.backbones.text.dual import TOGETHER, unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import average

WORD = re.compile(r"[^\W_]+")
MOST = 10_000_000
"""Words of a file."""


class Texts(nn.Module):
    """Something that embeds texts.

    Attributes:
        name: for tables and notes.
    """

    name: str

    def forward(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """One embedding per text."""
        raise NotImplementedError


class WordVectors(Texts):
    """Vectors of words: ``word 0.1 0.2 ...`` a line, as GloVe and word2vec write them (a first line with two numbers is left out).

    Words that are not known are left out of the mean; a text of which no word is known is refused.
    """

    table: Tensor

    def __init__(self, path: Path, wanted: frozenset[str] | None = None) -> None:
        super().__init__()
        self.name = path.name
        words, rows = _read_vectors(path, wanted)
        self.places = {word: place for place, word in enumerate(words)}
        self.register_buffer("table", torch.from_numpy(rows), persistent=False)

    def forward(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Mean of the vectors of the words that are known.

        Raises:
            UsageError: a text without a known word.
        """
        found = []
        for text in texts:
            places = [self.places[word] for word in WORD.findall(text.casefold()) if word in self.places]
            if not places:
                raise UsageError(
                    f"--words {self.name}: knows no word of {text!r:.120}. Say the class in other words with --names FILE."
                )
            found.append(average(unit(self.table[places]), 0))
        return torch.stack(found)


class TokenTable(Texts):
    """A folder with ``tokenizer.json`` and one safetensors file that holds one table of token vectors."""

    table: Tensor

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from safetensors.torch import load_file

        tokenizers = library("tokenizers", f"--words {folder}")
        self.name = folder.name
        try:
            self.tokenizer = tokenizers.Tokenizer.from_file(str(_one(folder, "*tokenizer*.json")))
            tensors = [one for one in load_file(_one(folder, "*.safetensors")).values() if one.ndim == 2]
        except UsageError:
            raise
        except Exception as error:  # whatever lies in the files
            raise UsageError(
                f"--words {folder}: cannot be read ({type(error).__name__}: {str(error)[:200]})."
            ) from error
        if len(tensors) != 1 or len(tensors[0]) < self.tokenizer.get_vocab_size():
            raise UsageError(
                f"--words {folder}: wanted one table with a row for each of {self.tokenizer.get_vocab_size():,} tokens."
            )
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.register_buffer("table", tensors[0].float(), persistent=False)

    def forward(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Mean of the vectors of the tokens."""
        rows = [self.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        empty = next((text for text, row in zip(texts, rows, strict=True) if not row), None)
        if empty is not None:
            raise UsageError(f"--words {self.name}: sees no token in {empty!r:.120}.")
        return torch.stack([average(unit(self.table[row]), 0) for row in rows])


class TextModel(Texts):
    """A text model of transformers (``hf:FOLDER``): mean of its last states over the tokens; of a dual encoder its text tower."""

    def __init__(self, name: str) -> None:
        super().__init__()
        from muybridge.backbones.text.dual_transformers import is_dual, load, text_model

        self.name = f"hf:{name}"
        self.dual = is_dual(name)
        self.loaded = load(name) if self.dual else text_model(name)
        self.model = self.loaded.model

    def forward(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings, in batches."""
        from muybridge.backbones.text.dual_transformers import pooled

        model = self.model
        parts = []
        for start in range(0, len(texts), TOGETHER):
            inputs = self.loaded.encoded(list(texts[start : start + TOGETHER]))
            if self.dual:
                parts.append(pooled(model.get_text_features(**inputs)))
                continue
            states = model(**inputs).last_hidden_state
            there = inputs["attention_mask"][:, :, None].to(states.dtype)
            parts.append((states * there).sum(1) / there.sum(1))
        return torch.cat(parts)


def texts_of(word: str) -> Texts:
    """What ``--words`` names: a file of word vectors, a folder with a table of token vectors, or ``hf:NAME``.

    Raises:
        UsageError: nothing of that kind.
    """
    if word.startswith("hf:"):
        return TextModel(word.removeprefix("hf:"))
    path = Path(word).expanduser()
    if path.is_dir():
        return (
            TextModel(word)
            if folder_of(word) is not None and (path / CONFIG).is_file() and _is_text(path)
            else TokenTable(path)
        )
    if path.is_file():
        return WordVectors(path)
    raise UsageError(
        f"--words {word}: no such file or folder. Wanted a text file of word vectors (GloVe, word2vec), a folder with tokenizer.json and a"
        " table as safetensors, or hf:FOLDER of a text model."
    )


def _is_text(folder: Path) -> bool:
    from muybridge.backbones.outside.model_folder import read_facts

    return "model_type" in read_facts(folder / CONFIG)


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise UsageError(
            f"--words {folder}: {len(found)} files {pattern}; wanted one tokenizer.json and one .safetensors."
        )
    return found[0]


def _read_vectors(path: Path, wanted: frozenset[str] | None) -> tuple[list[str], Float32[np.ndarray, "n d"]]:
    words: list[str] = []
    rows: list[np.ndarray] = []
    width = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                word, *numbers = line.rstrip().split(" ")
                if number == 1 and len(numbers) == 1:
                    continue
                width = width or len(numbers)
                if len(numbers) != width or width < 2 or len(words) >= MOST:
                    raise UsageError(
                        f"--words {path}, line {number}: {len(numbers)} numbers; wanted a word and {width or 'several'} numbers."
                    )
                if (wanted is None or word.casefold() in wanted) and word.casefold() not in words[-1:]:
                    words.append(word.casefold())
                    rows.append(np.array(numbers, dtype=np.float32))
    except (OSError, ValueError) as error:  # UnicodeDecodeError among them
        raise UsageError(
            f"--words {path}: cannot be read ({error}). Wanted lines of a word and its numbers."
        ) from error
    if not rows or not np.isfinite(np.stack(rows)).all():
        raise UsageError(f"--words {path}: no vectors, or numbers that are not finite.")
    return words, np.stack(rows)
