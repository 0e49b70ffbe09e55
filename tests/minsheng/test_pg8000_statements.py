"""pg8000 converts each statement once, and as it would itself."""

from __future__ import annotations

import pytest
from pg8000 import dbapi

from minsheng.store import pg8000_statements
from minsheng.store.database import Store

STATEMENTS = [
    "SELECT 1",
    "SELECT a FROM b WHERE c = %s AND d IN (%s, %s) LIMIT %s::INTEGER",
    "SELECT '%s', \"%s\", 'it''s', E'\\'%s' FROM b WHERE c LIKE %s || '%%' -- %s\n AND d = %s",
    "SELECT a %% %s FROM b WHERE c = '医保%s'",
    "INSERT INTO a SELECT unnest(%s::TEXT[])",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_statement_is_what_pg8000_makes_of_it(statement: str) -> None:
    for arguments in ((1, 2), [3], ()):
        expected = pg8000_statements._convert("format", statement, arguments)
        assert pg8000_statements.convert("format", statement, arguments) == expected


def test_other_placeholders_and_errors_are_left_to_pg8000() -> None:
    assert pg8000_statements.convert("named", "SELECT :a, :b, :a", {"a": 1, "b": 2}) == ("SELECT $1, $2, $1", (1, 2))
    with pytest.raises(dbapi.InterfaceError, match="Only %s and %% are supported"):
        pg8000_statements.convert("format", "SELECT %d", (1,))


def test_long_statements_are_not_remembered() -> None:
    before = pg8000_statements._remembered.cache_info().currsize
    long = f"SELECT {'%s, ' * pg8000_statements.LONGEST}1"
    assert pg8000_statements.convert("format", long, ()) == pg8000_statements._convert("format", long, ())
    assert pg8000_statements._remembered.cache_info().currsize == before


def test_a_store_on_postgresql_has_them_converted_so() -> None:
    Store("postgresql+pg8000://nobody@127.0.0.1:9/none")
    assert dbapi.convert_paramstyle is pg8000_statements.convert
