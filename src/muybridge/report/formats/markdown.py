"""The report as Markdown: the same findings and tables, without pictures."""

from muybridge.report.sections.content import Content
from muybridge.report.tables.table import Cell, Table

ESCAPED = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|#~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def markdown(content: Content) -> str:
    """Text of ``report.md``."""
    parts = [
        f"# {escaped(content.title)}",
        *filter(None, [escaped(content.question)]),
        escaped(content.summary),
    ]
    if content.answers:
        parts.append("\n".join(f"- **{escaped(data)}**: {escaped(words)}" for data, words in content.answers))
    parts += [
        "## Findings",
        "\n".join(f"- **{escaped(one.about)}**: {escaped(one.words)}" for one in content.findings),
    ]
    for one in content.chapters:
        if one.tables:
            parts += [f"## {escaped(one.section.heading)}", *(table_words(table) for table in one.tables)]
    parts.append(f"Made by Muybridge {content.version}.")
    return "\n\n".join(parts) + "\n"


def escaped(words: str) -> str:
    """Words that mean themselves: no Markdown, no HTML, no line break."""
    return " ".join(words.translate(ESCAPED).split())


def table_words(table: Table) -> str:
    """A table with its caption above and its notes below."""
    kept = [index for index, column in enumerate(table.columns) if not column.drawn]
    head = "| " + " | ".join(escaped(table.columns[index].name) for index in kept) + " |"
    rule = "|" + "|".join("--:" if table.columns[index].numeric else "---" for index in kept) + "|"
    lines = ["| " + " | ".join(_cell(row[index]) for index in kept) + " |" for row in table.rows]
    notes = [escaped(note) for note in table.notes]
    return "\n\n".join([f"**{escaped(table.caption)}**", "\n".join([head, rule, *lines]), *notes])


def _cell(cell: Cell) -> str:
    marked = f"{cell.text} {cell.mark}".rstrip()
    shown = f"{marked} ({cell.small})" if cell.small else marked
    if cell.kind in ("code", "command") and cell.text:
        return "`" + " ".join(shown.replace("`", "'").replace("|", "\\|").split()) + "`"
    return escaped(shown)
