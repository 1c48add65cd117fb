"""The file of the map: what is put into it in a turn, and what those who prove see of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ledger.errors import Absent, Unavailable
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
