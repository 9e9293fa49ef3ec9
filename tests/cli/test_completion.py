"""``muybridge completion``: scripts that the shells take, and what a real bash completes with one."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from muybridge.cli.completion import script

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
$(complete -p muybridge | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of bash."""
    path = tmp_path_factory.mktemp("completion") / "muybridge.bash"
    path.write_text(script("bash"))
    return path


def completed(bash: Path, *words: str) -> set[str]:
    """What bash offers for the last word of a line."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", bash, "muybridge", *words],
        capture_output=True, text=True, timeout=120, check=True,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(shell: str, tmp_path: Path):
    path = tmp_path / "script"
    path.write_text(script(shell))
    assert "muybridge" in path.read_text()
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", path], check=True, timeout=60, capture_output=True).stderr == b""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pre",), {"pretrain", "prereg"}),
        (("pretrain", "--objective-p"), {"--objective-preset"}),
        (("robustness", "--label-c"), {"--label-changing"}),
        (("pretrain", "--short", ""), {"shrink", "loop", "skip"}),
        (("finetune", "--preset", "be"), {"benchmark", "benchmark-small"}),
        (("probe", "--preset", "r"), set()),
        (("study", "re"), {"retry", "report"}),
        (("study", "run", "noi"), {"noise"}),
        (("study", "run", "noise", "--sca"), {"--scale"}),
        (("study", "status", "noise", "--wa"), {"--watch"}),
        (("list", "pro"), {"profiles", "protocols"}),
        (("list", "profiles", "--j"), {"--json"}),
        (("runs", "ls", "--s"), {"--stage", "--sort"}),
        (("completion", "z"), {"zsh"}),
        (("nothing-like-this",), set()),
    ],
)
def test_bash_completes_commands_flags_and_values(bash: Path, words: tuple[str, ...], offered: set[str]):
    assert completed(bash, *words) == offered


def test_the_command_prints_it(run: Callable[..., tuple[int, str, str]], bash: Path):
    assert run("completion", "bash")[:2] == (0, bash.read_text())
    code, out, _ = run("completion")
    assert code == 0
    assert "fish" in out
    assert run("completion", "tcsh")[0] == 2


def test_it_needs_no_torch():
    code = "import sys; from muybridge.cli.main import main; main(['completion', 'zsh']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=True)
