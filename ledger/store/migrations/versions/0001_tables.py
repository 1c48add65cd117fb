"""The tables of a ledger, as ``ledger.store.tables`` describes them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("index", NUMBER, nullable=False, autoincrement=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("rest", sa.LargeBinary, nullable=False),
        sa.Column("link", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("index"),
        sa.UniqueConstraint("key", name="entry_key"),
        sa.UniqueConstraint("link", name="entry_link"),
    )
    op.create_table(
        "subject",
        sa.Column("no", NUMBER, nullable=False, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("opened", NUMBER, nullable=False),
        sa.Column("index", NUMBER, nullable=False),
        sa.Column("advanced", NUMBER, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("opened", "type", name="subject_opened"),
    )
    op.create_index("subject_type", "subject", ["type", "no"])
    op.create_table(
        "past",
        sa.Column("no", NUMBER, nullable=False, autoincrement=False),
        sa.Column("index", NUMBER, nullable=False, autoincrement=False),
        sa.Column("advanced", NUMBER, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("no", "index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lookup",
        sa.Column("chapter", NUMBER, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chapter", "name", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "naming",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("no", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "word",
        sa.Column("chapter", NUMBER, nullable=False, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chapter", "type", "word"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention",
        sa.Column("chapter", NUMBER, nullable=False, autoincrement=False),
        sa.Column("no", NUMBER, nullable=False, autoincrement=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("chapter", "no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tile",
        sa.Column("level", NUMBER, nullable=False, autoincrement=False),
        sa.Column("number", NUMBER, nullable=False, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosure",
        sa.Column("index", NUMBER, nullable=False, autoincrement=False),
        sa.Column("place", NUMBER, nullable=False, autoincrement=False),
        sa.Column("disclosure", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("index", "place"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger's schema never goes back: restore a backup, or rebuild from the entries")
