"""What another engine must be told before it runs rules over history: the few functions that `columns.py` names.

DuckDB has them. In a PostgreSQL database they are made once.
"""

from __future__ import annotations

import ibis

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


def postgres_sql(rows: Table) -> str:
    """The query of an expression for PostgreSQL.

    `first P of S` and `last P of S` have none there: PostgreSQL has no such aggregate, and running the query fails.
    """
    query = str(ibis.to_sql(rows, dialect="postgres"))
    # what the translation makes of `json_extract` takes names and no pointers; and it writes a text out of JSON in a way
    # that PostgreSQL refuses
    return query.replace("JSON_EXTRACT_PATH(", "JSON_MEMBER(").replace("->> VARIADIC ARRAY[]::TEXT[]", "#>> '{}'")
