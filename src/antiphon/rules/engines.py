"""What another engine must be told before it runs rules over history: the few functions that `columns.py` names.

DuckDB has them. Elsewhere they are made once for a connection (PostgreSQL) or a session (Spark).
"""

from __future__ import annotations

POSTGRES = (
    # JSON pointers here are one key deep; `->` gives NULL for what is no object
    r"""CREATE OR REPLACE FUNCTION json_extract(document json, pointer text) RETURNS json LANGUAGE sql IMMUTABLE AS $$
      SELECT document -> replace(replace(substr(pointer, 2), '~1', '/'), '~0', '~') $$""",
    r"""CREATE OR REPLACE FUNCTION json_type(document json) RETURNS text LANGUAGE sql IMMUTABLE AS $$
      SELECT CASE json_typeof(document) WHEN 'string' THEN 'VARCHAR' WHEN 'boolean' THEN 'BOOLEAN' WHEN 'array' THEN 'ARRAY'
        WHEN 'object' THEN 'OBJECT' WHEN 'null' THEN 'NULL'
        WHEN 'number' THEN CASE WHEN document::text ~ '^-?[0-9]+$' THEN 'BIGINT' ELSE 'DOUBLE' END END $$""",
    """CREATE OR REPLACE FUNCTION epoch_ms(instant timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
      SELECT floor(extract(epoch FROM instant) * 1000)::bigint $$""",
)
"""Statements for a PostgreSQL database."""
