"""The migrations make exactly the tables that ``ledger.store.tables`` describes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from ledger.errors import Unavailable
from ledger.store.sql import SqlStore, migrate
from ledger.store.tables import METADATA, REVISION


def schema(path: Path) -> dict[str, str]:
    """Each table and index of a file as it was declared, white space aside."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_the_migrated_schema_is_the_one_declared(path: Path, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    METADATA.create_all(engine)
    engine.dispose()
    assert schema(path) == schema(tmp_path / "declared.db")
    assert len(schema(path)) == 10


def test_alembic_finds_no_difference(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_revision_read_is_the_last_one_there_is() -> None:
    config = Config()
    config.set_main_option("script_location", "ledger.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_migrating_twice_changes_nothing(path: Path) -> None:
    before = schema(path)
    migrate(path)
    assert schema(path) == before
    SqlStore.open(path).close()


def test_migrating_an_interrupted_creation_finishes_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    migrate(path)
    SqlStore.open(path).close()


def test_migrating_refuses_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        migrate(tmp_path / "ledger.db")
    assert refused.value.code == "store_missing"
    assert list(tmp_path.iterdir()) == []


def test_migrating_refuses_a_revision_of_a_later_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = schema(path)
    with pytest.raises(Unavailable) as refused:
        migrate(path)
    assert refused.value.code == "store_schema_other"
    assert schema(path) == before
