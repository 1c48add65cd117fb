"""The file of the map: what is put into it in a turn, and what those who prove see of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ledger.errors import Absent, Corrupt, Unavailable
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.page import MapTree
from ledger.store.map import MapHead, Shelf, discard, map_at, turn
from tests.ledger.log.test_map import digest


def grow(path: Path, number: int) -> MapHead:
    """One more key."""
    with turn(path) as at:
        tree = MapTree(at.read)
        update = tree.update(at.head.root if at.head else EMPTY_ROOT, {digest(f"{number}"): digest("value")})
        at.put(update)
        at.finish(MapHead(number, update.root, digest("link")))
        assert at.head is not None
        return at.head


def get(shelf: Shelf, head: MapHead, number: int) -> bytes | None:
    return shelf.use(head.size, head.root, lambda tree: tree.get(head.root, digest(f"{number}")))


def test_each_size_is_read_as_it_was(tmp_path: Path) -> None:
    heads = [grow(map_at(tmp_path), number) for number in range(1, 8)]
    shelf = Shelf(tmp_path)
    for head in heads:
        assert [get(shelf, head, number) is not None for number in range(1, 8)] == [
            number <= head.size for number in range(1, 8)
        ]
    with pytest.raises(Absent, match="map_root_absent"):
        shelf.use(3, heads[0].root, lambda _: None)
    shelf.close()


def test_older_sizes_are_found_in_files_of_their_own(tmp_path: Path) -> None:
    head = grow(map_at(tmp_path, 5), 5)
    shelf = Shelf(tmp_path)
    assert get(shelf, head, 5) == digest("value")
    with pytest.raises(Absent, match="map_root_absent"):
        shelf.use(6, head.root, lambda _: None)


def test_a_file_put_in_the_place_of_another_is_noticed(tmp_path: Path) -> None:
    path = map_at(tmp_path)
    first = grow(path, 1)
    shelf = Shelf(tmp_path)
    assert get(shelf, first, 1)
    other = grow(tmp_path / "other", 2)
    discard(path)
    (tmp_path / "other").rename(path)
    assert get(shelf, other, 2)
    with pytest.raises(Absent, match="map_root_absent"):
        get(shelf, first, 1)
    discard(path)
    with pytest.raises(Absent, match="map_root_absent"):
        get(shelf, other, 2)


def test_what_ends_in_an_error_leaves_nothing(tmp_path: Path) -> None:
    path = map_at(tmp_path)
    head = grow(path, 1)
    with pytest.raises(ZeroDivisionError), turn(path) as at:  # noqa: PT012 - what was done before it is the point
        at.clear()
        _ = 1 / 0
    with turn(path) as at:
        assert at.head == head


def test_a_file_of_another_release_is_made_anew(tmp_path: Path) -> None:
    path = map_at(tmp_path)
    grow(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with turn(path) as at:
        assert at.head is None


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    map_at(tmp_path).mkdir()
    with pytest.raises(Unavailable, match="map_failed"), turn(map_at(tmp_path)):
        pass
    with pytest.raises(Unavailable, match="map_failed"):
        Shelf(tmp_path).use(1, EMPTY_ROOT, lambda _: None)


def test_a_size_made_again_is_read_beside_a_damaged_map(tmp_path: Path) -> None:
    head = grow(map_at(tmp_path, 5), 5)
    for damage in (b"not a database" * 100, b""):
        map_at(tmp_path).write_bytes(damage)
        assert get(Shelf(tmp_path), head, 5) == digest("value")
    discard(map_at(tmp_path))
    grow(map_at(tmp_path), 5)
    for data in ("x'00'", "'text'", "7"):
        with sqlite3.connect(map_at(tmp_path)) as connection:
            connection.execute(f"UPDATE page SET data = {data}")
        connection.close()
        assert get(Shelf(tmp_path), head, 5) == digest("value"), data


def test_who_asks_is_told_which_file_is_bad_and_no_more_of_it(tmp_path: Path) -> None:
    """Not where it lies nor what was asked of it; that is for the log: ``__cause__``."""
    head = grow(map_at(tmp_path, 5), 5)
    map_at(tmp_path).write_bytes(b"not a database" * 100)
    for size, code, name in ((4, "map_failed", "map.db"), (5, "map_made_failed", "map-5.db")):
        map_at(tmp_path, 5).write_bytes(b"not a database" * 100)
        with pytest.raises(Unavailable, match=code) as failed:
            Shelf(tmp_path).use(size, head.root, lambda _: None)
        assert failed.value.detail == f"{name}: file is not a database"
        assert "sqlite3.DatabaseError" in str(failed.value.__cause__)
    assert "rebuild DIR --at SIZE" in failed.value.advice
    discard(map_at(tmp_path))
    discard(map_at(tmp_path, 5))
    grow(map_at(tmp_path, 5), 5)
    for data in ("x'00'", "'text'"):
        with sqlite3.connect(map_at(tmp_path, 5)) as connection:
            connection.execute(f"UPDATE page SET data = {data}")
        connection.close()
        with pytest.raises(Corrupt, match="map_page_corrupt") as spoilt:
            get(Shelf(tmp_path), head, 5)
        assert spoilt.value.detail.startswith("map-5.db: ")
