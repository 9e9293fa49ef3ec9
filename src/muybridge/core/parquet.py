"""Parquet files read in the calling thread.

Arrow's readers hand the work to a pool of native threads, which may still hold a file object of Python while the interpreter ends; then
about one process in a hundred that had finished its work died of SIGABRT ("terminate called without an active exception",
github.com/apache/arrow/issues/34314). What is read without threads leaves none behind.
"""

from collections.abc import Sequence
from typing import Any


def read_table(
    file: object,
    columns: Sequence[str] | None = None,
    dictionaries: Sequence[str] = (),
    only: tuple[str, str] | None = None,
    first: int | None = None,
) -> Any:
    """A ``pyarrow.Table`` of a file.

    Args:
        file: an open file or a path.
        columns: those that are read; all when not given.
        dictionaries: columns of texts that are kept as dictionaries.
        only: a column and the text that must stand in it; then no more than one row group and what was found are in memory.
        first: read row groups from the beginning until they hold so many rows; all when not given.

    Raises:
        OSError: it cannot be read.
        pyarrow.ArrowException: it is no Parquet file, or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened = pq.ParquetFile(file, read_dictionary=list(dictionaries) or None, pre_buffer=False)
    if only is None and first is not None:
        rows = [opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups)]
        enough = [group for group in range(len(rows)) if sum(rows[:group]) < first]
        return opened.read_row_groups(enough, columns, use_threads=False).slice(0, first)
    if only is None:
        return opened.read(columns, use_threads=False)
    name, value = only
    groups = range(opened.num_row_groups)
    parts = (
        opened.read_row_group(group, columns, use_threads=False)
        for group in groups
        if _may_hold(opened.metadata.row_group(group), name, value)
    )
    found = [part.filter(_is(part[name], value)) for part in parts]
    return (
        pa.concat_tables(found)
        if found
        else opened.schema_arrow.empty_table().select(columns or opened.schema_arrow.names)
    )


def _is(column: Any, value: str) -> object:
    """Where a column of texts says that; texts of a dictionary are not written out, since a long one may stand in every row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        return pc.equal(whole, value)
    return pc.equal(whole.indices, pc.index(whole.dictionary, value).as_py())


def _may_hold(group: Any, name: str, value: str) -> bool:
    """Whether a row group can have a text in a column, by the least and the largest that its statistics name."""
    for place in range(group.num_columns):
        column = group.column(place)
        if column.path_in_schema == name and column.is_stats_set and column.statistics.has_min_max:
            return bool(column.statistics.min <= value <= column.statistics.max)
    return True
