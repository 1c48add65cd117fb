"""Places of did:web and did:webvh: names and never addresses, decoded once, paths that stay below their folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed
from identity.place import Place, format_place, parse_place


@pytest.mark.parametrize(
    ("text", "base", "folder"),
    [
        ("example.com", "https://example.com/", "https://example.com/.well-known/"),
        ("EXAMPLE.com%3A443", "https://example.com:443/", "https://example.com:443/.well-known/"),
        ("example.com%3a3000", "https://example.com:3000/", "https://example.com:3000/.well-known/"),
        ("ledger.localhost%3A8080:org:acme", "https://ledger.localhost:8080/org/acme/", None),
        ("example.com:a%20b", "https://example.com/a%20b/", None),
        ("example.com:%7Ea:%e7%94%a8", "https://example.com/~a/%E7%94%A8/", None),
        ("example.com:%252e%252e", "https://example.com/%252e%252e/", None),
        ("ex%61mple.com", "https://example.com/", "https://example.com/.well-known/"),
        ("xn--fsq.jp", "https://xn--fsq.jp/", "https://xn--fsq.jp/.well-known/"),
        ("%E4%BE%8B.jp", "https://xn--fsq.jp/", "https://xn--fsq.jp/.well-known/"),
        ("1.example", "https://1.example/", "https://1.example/.well-known/"),
    ],
)
def test_places_and_their_urls(text: str, base: str, folder: str | None) -> None:
    place = parse_place(text)
    assert (place.base, place.folder) == (base, folder or base)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost%3A80",
        "example.com.",
        ".example.com",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a.example%3A",
        "a.example%3A0",
        "a.example%3A65536",
        "a.example%3A000080",
        "a.example%3A80%3A80",
        "a%3A.example",
        "a%2Fb.example",
        "a.example%2Fx",
        "a%40b.example",
        "a%00.example",
        "127.0.0.1",
        "127.1",
        "127.0.0.0x1",
        "0x7f.0x1",
        "%31%32%37.0.0.1",
        "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
        "%5B::1%5D",
        "a.example:",
        "a.example::b",
        "a.example:.",
        "a.example:..",
        "a.example:%2e%2E",
        "a.example:a%2Fb",
        "a.example:a%5Cb",
        "a.example:%00",
        "a.example:%20a",
        "a.example:a%0A",
        "a.example:%",
        "a.example:%4",
        "a.example:%zz",
        "a.example:%FF",
        "a.example:\ud800",
        "%zz.example",
        "xn--zz--9.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_place(text)
    assert caught.value.code == "did_place_malformed"


SEGMENTS = st.lists(st.text(min_size=1, max_size=6).filter(lambda text: text == text.strip()), max_size=3)


@given(SEGMENTS, st.none() | st.integers(1, 65_535))
def test_what_is_written_is_read(path: list[str], port: int | None) -> None:
    if any(one in (".", "..") or set(one) & set("/\\\0") for one in path):
        with pytest.raises(Malformed):
            format_place("a.example", path, port)
        return
    text = format_place("a.example", path, port)
    assert parse_place(text) == Place("a.example", port, tuple(path))


@pytest.mark.parametrize("host", ["a.example:8080", "a.example%3A80", "a.example:b", "a.example/b", "例.jp:b", ""])
def test_a_host_is_a_host_and_nothing_else(host: str) -> None:
    with pytest.raises(Malformed, match="did_place_malformed"):
        format_place(host)


def test_a_host_beyond_ascii_is_percent_encoded() -> None:
    assert format_place("例.jp", port=8080) == "%E4%BE%8B.jp%3A8080"


@pytest.mark.parametrize("port", [0, 65_536, 100_000, -1])
def test_a_port_that_there_is_not(port: int) -> None:
    with pytest.raises(Malformed, match="did_place_malformed"):
        format_place("a.example", port=port)


@given(st.text("ab.%:2F3Ae/\\0", max_size=24).map(lambda text: f"a.example:{text}") | st.text(max_size=12))
def test_no_path_leaves_its_folder(text: str) -> None:
    try:
        place = parse_place(text)
    except Malformed:
        return
    start = "https://" + place.host
    assert place.base.startswith(start)
    path = place.base.removeprefix(start)
    assert ".." not in path.split("/")
    assert path.count("/") == len(place.path) + 1
