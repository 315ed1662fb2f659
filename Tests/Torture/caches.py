"""The databases of the program's caches, read without changing what the next run finds."""

import shutil
import sqlite3

from place import Finding

# Before the first transaction ended.
NO_TABLE = "no such table"
SUFFIXES = ("", "-wal", "-journal")


def rows(files, folder, query):
    """The rows of a database of which `files` are the contents by suffix; none before there are tables.

    A database that cannot be read, which is not the same as an empty one, is a Finding.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "cache.sqlite"
    for suffix, content in files.items():
        path.with_name(path.name + suffix).write_bytes(content)
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    except sqlite3.DatabaseError as error:
        if NO_TABLE in str(error):
            return []
        raise Finding(f"the cache cannot be read: {error}") from error
    finally:
        connection.close()


def files_of(path):
    """The contents of a database on disk, by suffix."""
    found = {suffix: path.with_name(path.name + suffix) for suffix in SUFFIXES}
    return {suffix: file.read_bytes() for suffix, file in found.items() if file.exists()}
