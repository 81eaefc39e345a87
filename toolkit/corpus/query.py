"""One SQL question about the tables of a version, answered by DuckDB; nothing but those tables can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from toolkit.corpus import duck
from toolkit.corpus.store import CorpusVersion
from toolkit.errors import InputError
from toolkit.parquet import writing_batches


@contextmanager
def query(version: CorpusVersion, sql: str) -> Iterator[pa.RecordBatchReader]:
    """Give the answer to one SELECT (or DESCRIBE, SHOW, EXPLAIN …), piece by piece.

    :class:`InputError` carries DuckDB's own words, and refuses what is no question: several statements, or one that
    would change something.
    """
    connection = duck.open_tables(version)
    try:
        statements = connection.extract_statements(sql)
        asked = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
        if len(statements) != 1 or statements[0].type not in asked:
            raise InputError("one SELECT at a time: versions never change", hint='docposts corpus query "SHOW TABLES"')
        yield duck.ask(connection, statements[0])
    except duckdb.OutOfMemoryException:
        # It says nothing of the question.
        raise
    except duckdb.Error as error:
        tables = ", ".join(sorted(version.manifest["tables"]))
        raise InputError(str(error).strip(), hint=f"tables: {tables} (references needs quotes)") from error
    finally:
        connection.close()


def save(answer: pa.RecordBatchReader, path: Path) -> int:
    """Write an answer to a Parquet file, atomically; return its rows."""
    rows = 0
    with writing_batches(path, answer.schema) as out:
        for batch in answer:
            out.write(batch)
            rows += batch.num_rows
    return rows
