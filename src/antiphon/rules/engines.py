"""What other engines than DuckDB must be told before they run rules over history: the few functions that `columns.py` names.

DuckDB has them. In a PostgreSQL database they are made once, in a Spark session when it starts. The expression is the same for
all; where a translation takes a function for another one, the query is put right here.
"""

from __future__ import annotations

from typing import Any

import ibis
from ibis.backends.sql.compilers import duckdb, postgres, pyspark
from ibis.backends.sql.compilers.base import NULL
from ibis.config import Config
from ibis.expr.datatypes import Float64, String
from sqlglot import expressions as sql

from antiphon.rules.columns import Table

POSTGRES = (
    # JSON pointers here are one key deep; `->` gives NULL for what is no object
    r"""CREATE OR REPLACE FUNCTION json_member(document json, pointer text) RETURNS json LANGUAGE sql IMMUTABLE AS $$
      SELECT document -> replace(replace(substr(pointer, 2), '~1', '/'), '~0', '~') $$""",
    r"""CREATE OR REPLACE FUNCTION json_type(document json) RETURNS text LANGUAGE sql IMMUTABLE AS $$
      SELECT CASE json_typeof(document) WHEN 'string' THEN 'VARCHAR' WHEN 'boolean' THEN 'BOOLEAN' WHEN 'array' THEN 'ARRAY'
        WHEN 'object' THEN 'OBJECT' WHEN 'null' THEN 'NULL'
        WHEN 'number' THEN CASE WHEN document::text ~ '^-?[0-9]+$' THEN 'BIGINT' ELSE 'DOUBLE' END END $$""",
    """CREATE OR REPLACE FUNCTION epoch_ms(instant timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
      SELECT floor(extract(epoch FROM instant) * 1000)::bigint $$""",
)
"""Statements for a PostgreSQL database."""

_SPARK_FUNCTION = "CREATE OR REPLACE TEMPORARY FUNCTION "
SPARK = tuple(
    _SPARK_FUNCTION + function
    for function in (
        # a document is its text, as a session has no other JSON that Ibis knows
        """json_member(document STRING, pointer STRING) RETURNS STRING RETURN
          to_json(from_json(document, 'map<string, variant>')[
            replace(replace(substr(pointer, 2), '~1', '/'), '~0', '~')])""",
        r"""json_type(document STRING) RETURNS STRING RETURN CASE WHEN document LIKE '"%' THEN 'VARCHAR'
          WHEN document IN ('true', 'false') THEN 'BOOLEAN' WHEN document LIKE '[%' THEN 'ARRAY'
          WHEN document LIKE '{%' THEN 'OBJECT' WHEN document = 'null' THEN 'NULL'
          WHEN document RLIKE '^-?[0-9]+$' THEN 'BIGINT' WHEN document IS NOT NULL THEN 'DOUBLE' END""",
        """json_items(document STRING) RETURNS ARRAY<STRING> RETURN
          transform(from_json(document, 'array<variant>'), item -> to_json(item))""",
        "epoch_ms(instant TIMESTAMP) RETURNS BIGINT RETURN unix_millis(instant)",
    )
)
"""Statements for a Spark session (4.0 or later) with `SPARK_SETTINGS`."""

SPARK_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # what cannot be cast is NULL, as it is for the others
}


class _SparkOptions(Config):
    """What the translation for Spark asks of Ibis, which has it only where PySpark is installed."""

    treat_nan_as_null: bool = False


def duckdb_sql(rows: Table) -> str:
    """The query of an expression over tables by name for DuckDB; quicker than `ibis.to_sql`, which copies and lays out."""
    compiler = duckdb.compiler
    return compiler.to_sqlglot(rows).sql(dialect=compiler.dialect, copy=False)


def postgres_sql(rows: Table) -> str:
    """The query of an expression for PostgreSQL."""
    compiler = postgres.compiler
    query = compiler.to_sqlglot(rows).transform(_put_right).sql(dialect=compiler.dialect, copy=False)
    return query.replace(
        "->> VARIADIC ARRAY[]::TEXT[]", "#>> '{}'"
    )  # PostgreSQL refuses a path without a name in that form


def spark_sql(rows: Table) -> str:
    """The query of an expression for Spark; PySpark is not needed for it."""
    if ibis.options.pyspark is None:
        ibis.options.pyspark = _SparkOptions()
    compiler = _SparkCompiler()
    return compiler.to_sqlglot(rows).transform(_put_right).sql(dialect=compiler.dialect, copy=False)


class _SparkCompiler(pyspark.PySparkCompiler):
    """With what Ibis does not translate, or translates to functions in Python.

    What stands in a lambda may be no function of a session, so these are written out.
    """

    SIMPLE_OPS = {}  # noqa: RUF012 - those of the class above stay; named here again they would replace what follows

    def visit_ToJSONArray(self, op: Any, *, arg: Any) -> Any:  # noqa: N802 - named after the operation
        """The items of a document that is an array."""
        del op
        return self.f.json_items(arg)

    def visit_UnwrapJSONString(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """The text that a document is."""
        del op
        return self.if_(arg.like(sql.convert('"%')), self.cast(self.f.anon.parse_json(arg), String()), NULL)

    def visit_UnwrapJSONFloat64(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """The number that a document is."""
        del op
        return self.if_(self.f.regexp_like(arg, sql.convert("^-?[0-9]")), self.cast(arg, Float64()), NULL)

    def visit_UnwrapJSONBoolean(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """The truth value that a document is."""
        del op
        return self.if_(arg.isin("true", "false"), arg.eq(sql.convert("true")), NULL)


def _put_right(node: Any) -> Any:
    """Have `json_extract_path` be our own, which takes a pointer: PostgreSQL's, of that name, takes names."""
    if isinstance(node, sql.JSONExtract):
        pointer = sql.Literal.string(node.expression.expressions[-1].this)
        return sql.Anonymous(this="JSON_MEMBER", expressions=[node.this, pointer])
    if isinstance(node, sql.Anonymous) and str(node.this).lower() == "json_extract_path":
        return sql.Anonymous(this="JSON_MEMBER", expressions=node.expressions)
    return node
