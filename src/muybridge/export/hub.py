"""Folders of networks to and from the Hugging Face Hub, through huggingface_hub (extra ``hub``). Nothing else here uses a network.

What comes from there is as from anybody: names and sizes are looked at before a byte is fetched, only safetensors, JSON and the card are
taken, and the folder gets its name when it is whole and its facts could be read.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from muybridge.backbones.exported import exported_name
from muybridge.backbones.outside.exported_folder import (
    CARD,
    CONFIG,
    HEAD,
    PREPROCESSOR,
    WEIGHTS,
    read_exported,
)
from muybridge.core.errors import MuybridgeError, UsageError, explained
from muybridge.core.files import facts as stat_of
from muybridge.core.plain_names import is_plain
from muybridge.core.text.redact import redacted
from muybridge.export.new_folder import new_folder, refuse_existing

REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
WANTED = {
    CONFIG: 1 << 20,
    PREPROCESSOR: 1 << 20,
    CARD: 4 << 20,
    WEIGHTS: 16 << 30,
    HEAD: 1 << 30,
}
"""Files of such a folder, and the most bytes of each."""
NEEDED = (CONFIG, WEIGHTS)


def push(folder: Path, repo: str, public: bool = False) -> str:
    """Send a folder in one commit.

    Args:
        folder: what ``export --format hf`` wrote; other files in it are refused.
        repo: ``OWNER/NAME``; made if it is not there.
        public: of one that is made.

    Returns:
        Where it is now, in words.

    Raises:
        UsageError: no such folder, other files in it, or huggingface_hub is missing.
        MuybridgeError: the hub refused, or cannot be reached.
    """
    _check_repo(repo)
    library = _library()
    exported_name(read_exported(folder))
    names = sorted(one.name for one in folder.iterdir() if not one.name.startswith("."))
    other = [name for name in names if name not in WANTED]
    if other:
        raise UsageError(
            f"push {folder}: holds {', '.join(other[:3])}, which such a folder does not. Nothing was sent; move it away."
        )
    sizes = {name: stat_of(folder / name).st_size for name in names}
    with _explained(f"push {repo}"):
        hub = library.HfApi()
        hub.create_repo(repo, private=not public, exist_ok=True, repo_type="model")
        hub.upload_folder(
            repo_id=repo, folder_path=str(folder), allow_patterns=names, commit_message="Exported by Muybridge", repo_type="model"
        )  # fmt: skip
    return f"{repo}: {len(names)} files, {sum(sizes.values()) / 1e6:,.1f} MB"


def pull(repo: str, folder: Path, revision: str = "main", overwrite: bool = False) -> str:
    """Fetch a folder.

    Args:
        repo: ``OWNER/NAME``.
        folder: a new one, or one of ours that may go.
        revision: branch, tag or commit.
        overwrite: whether it may be replaced.

    Returns:
        What came, in words.

    Raises:
        UsageError: not such a folder, or a name that is taken; nothing was fetched.
        MuybridgeError: the hub cannot be reached, or what came is damaged; nothing was kept.
    """
    _check_repo(repo)
    if not REVISION.fullmatch(revision):
        raise UsageError(f"--revision {revision!r:.80}: wanted a branch, a tag or a commit.")
    refuse_existing(folder, overwrite, folder=True)
    library = _library()
    with _explained(f"pull {repo}"):
        hub = library.HfApi()
        told = hub.model_info(repo, revision=revision, files_metadata=True)
    sizes = {str(one.rfilename): one.size for one in told.siblings or ()}
    names, left = _chosen(repo, sizes)
    with new_folder(folder) as draft:
        with TemporaryDirectory(dir=draft.parent, prefix=f".{folder.name}.") as cache:
            for name in names:
                with _explained(f"pull {repo}"):
                    came = Path(hub.hf_hub_download(repo, name, revision=told.sha, cache_dir=cache))
                    shutil.copyfile(came, draft / name)
                if os.path.getsize(draft / name) != sizes[name]:  # noqa: PTH202 - of a path that was just written
                    raise MuybridgeError(
                        f"pull {repo}: {name} came with another size than the hub says. Nothing was kept."
                    )
        exported_name(read_exported(draft))
    rest = f"; left {len(left)} there ({', '.join(left[:3])})" if left else ""
    return f"{repo} at {str(told.sha)[:12]}: {len(names)} files, {sum(sizes[name] for name in names) / 1e6:,.1f} MB{rest}"


def _chosen(repo: str, sizes: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Names that are fetched, and those that are left.

    Raises:
        UsageError: what is needed is not there, or too large.
    """
    names = [name for name in WANTED if name in sizes]
    lacking = [name for name in NEEDED if name not in names]
    if lacking:
        raise UsageError(
            f"pull {repo}: has no {' and no '.join(lacking)}: not a folder of `muybridge export --format hf`. Nothing was fetched."
        )
    for name in names:
        size = sizes[name]
        if not isinstance(size, int) or not 0 <= size <= WANTED[name]:
            raise UsageError(
                f"pull {repo}: {name} has {size} bytes; wanted at most {WANTED[name]:,}. Nothing was fetched."
            )
    left = [
        name if is_plain(name) else f"{name!r:.80}"
        for name in sizes
        if name not in WANTED and not name.startswith(".git")
    ]
    return names, left


def _check_repo(repo: str) -> None:
    if not REPO.fullmatch(repo) or ".." in repo:
        raise UsageError(f"{repo!r:.100}: wanted a repository, OWNER/NAME.")


def _library() -> Any:
    try:
        import huggingface_hub

        return huggingface_hub
    except ImportError as error:
        raise UsageError("push and pull need huggingface_hub: pip install 'muybridge[hub]'.") from error


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Whatever the hub or the way to it says, in one paragraph without secrets."""
    try:
        yield
    except MuybridgeError:
        raise
    except Exception as error:
        if explained(error) and isinstance(error, OSError) and error.errno is not None and error.filename:
            raise
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise MuybridgeError(
            f"{what}: {redacted(said)[:400]} ({type(error).__name__}). Nothing was kept."
        ) from error
