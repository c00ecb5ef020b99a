"""One engine for one database: SQLite with WAL, foreign keys and immediate writes, or PostgreSQL as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

BUSY_TIMEOUT_S = 30
WRITE = "hmgc_write"
PATIENCE_S = "hmgc_patience_s"


def create_engine(url: str) -> sa.Engine:
    """An engine for `url`. On SQLite a transaction that will write must carry the execution option WRITE.

    A deferred transaction that reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT when somebody else wrote
    in between, whatever the busy timeout; BEGIN IMMEDIATE waits for its turn instead, as long as the option
    PATIENCE_S says.
    """
    if not url.startswith("sqlite"):
        return sa.create_engine(url)
    # Each connection keeps pages of the file in memory: few are kept, and of those always the same ones are used.
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_S}, pool_size=8, max_overflow=32, pool_use_lifo=True
    )
    sa.event.listen(engine, "connect", _prepare_connection)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, _record: Any) -> None:
    # The driver must not open transactions of its own: _begin decides which kind it is.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: an acknowledged label survives a power cut, not only a killed process.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    driver: Any = connection.connection.driver_connection  # less ceremony than a statement: every request comes here
    if not options.get(WRITE, False):
        driver.execute("BEGIN")
        return
    patience_ms = int(1000 * options.get(PATIENCE_S, BUSY_TIMEOUT_S))
    driver.execute(f"PRAGMA busy_timeout={patience_ms}")
    driver.execute("BEGIN IMMEDIATE")


@contextmanager
def remaking_tables(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that may put tables in the place of others. On SQLite no row is checked against its foreign keys.

    Dropping a table that others point to would delete its rows first, and SQLite changes this only between
    transactions.
    """
    with engine.execution_options(**{WRITE: True}).connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        driver: Any = connection.connection.driver_connection
        if is_sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            if is_sqlite:
                driver.execute("PRAGMA foreign_keys=ON")
