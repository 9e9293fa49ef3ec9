import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def videos(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small videos in a folder that is always called the same: random bits hang on the name of a data set."""
    return shutil.copytree(videos, tmp_path_factory.mktemp("named") / "videos0")
