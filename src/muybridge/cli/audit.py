"""``muybridge audit MODEL --data D``: how far a model can be trusted on your videos, in one command."""

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields, make_dataclass
from typing import TYPE_CHECKING

from muybridge.cli.flags import WIDEST, Branch, Flags, Word, parse
from muybridge.config.stage_configs import AuditConfig
from muybridge.core.text.terminal import visible

if TYPE_CHECKING:
    from muybridge.audit.card import Card

ABOUT = """Say how far a model can be trusted on your videos, in one command.

  muybridge audit OUT/runs/finetune/SIGNATURE --minutes 5
  muybridge audit i3d --weights i3d.safetensors --data list.csv --label names --out trust
  muybridge audit mypackage.models:build --data my/videos

It measures the first clips, chooses videos, conditions and severities that fit into the minutes, and says what it left out. The card lies
in OUT/audit: card.html, card.md, card.json, and model-card.md, a section for a model card. How to read it: docs/audit.md."""


@dataclass(frozen=True)
class AuditVerb:
    """The command."""

    def run(self, words: Sequence[str]) -> int:
        """Audit and print the card in short."""
        found = parse(flags(), "muybridge audit", list(words) or ["--help"], ABOUT, flags()(), markers=())
        from muybridge.api.audit_function import run_audit

        config = AuditConfig(**{one.name: getattr(found, one.name) for one in fields(AuditConfig)})
        made = run_audit(config)
        if made is None:
            return 0
        show(made.card)
        print(visible(f"\ncard: {(made.folder / 'card.html').absolute()}"))
        return 0

    def branch(self) -> Branch:
        """Its flags."""
        return flags()


def flags() -> Flags:
    """The fields of the config, the model as the first word."""
    return make_dataclass("Audit", [("model", Word, "")], bases=(AuditConfig,), frozen=True)


def show(card: "Card") -> None:
    """The answer and the verdicts, as wide as the terminal."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    print(visible(textwrap.fill(f"{card.question} {card.answer}", width)))
    print()
    wide = max(len(one.title) for one in card.verdicts) + 4
    for one in card.verdicts:
        head = f"  {one.title}".ljust(wide)
        print(visible(textwrap.fill(one.short, width, initial_indent=head, subsequent_indent=" " * wide)))


AUDIT = AuditVerb()
