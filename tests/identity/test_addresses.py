"""Which addresses may be connected to: every special range by an address at each end, and what the operator allows."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.addresses import Allowed, check_address, is_host, special
from identity.errors import Malformed

SPECIAL = """
    loopback      127.0.0.0/8  ::1/128
    private       10.0.0.0/8  172.16.0.0/12  192.168.0.0/16  fc00::/7  fec0::/10
    shared        100.64.0.0/11
    link-local    169.254.0.0/16  fe80::/10
    metadata      168.63.129.16/32  100.100.100.200/32
    metadata      fd00:ec2::254/128  fd20:ce::254/128  fd00:c1::a9fe:a9fe/128  fd00:42::42/128
    unspecified   0.0.0.0/8  ::/128
    multicast     224.0.0.0/4  ff00::/8
    translated    ::2/127  ::8.8.8.8/128  ::ffff:8.8.8.8/128  ::ffff:127.0.0.1/128  64:ff9b:1::/48  2001::/32  2002::/16
    reserved      192.0.0.0/24  192.0.2.0/24  192.88.99.0/24  198.18.0.0/15  198.51.100.0/24  203.0.113.0/24
    reserved      240.0.0.0/4  100::/64  2001:2::/48  2001:db8::/32  3fff::/20  5f00::/16  4000::/3  a000::/3  200::/7
    private       64:ff9b::10.0.0.0/104
    loopback      64:ff9b::127.0.0.0/104
    link-local    64:ff9b::169.254.0.0/112
"""
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
    169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    223.255.255.255 2001:200:: 2001:4860:4860::8888 2003:: 2606:4700::1111 2a00:1450:4001::1 64:ff9b::8.8.8.8
"""
CASES = [(word, network) for word, *networks in map(str.split, SPECIAL.strip().splitlines()) for network in networks]


@pytest.mark.parametrize(("word", "network"), CASES, ids=[network for _, network in CASES])
def test_no_address_of_a_special_range_may_be_connected_to(word: str, network: str) -> None:
    span = ip_network(network)
    for address in (span[0], span[-1]):
        with pytest.raises(Malformed) as raised:
            check_address(str(address))
        assert (raised.value.code, raised.value.detail) == ("fetch_address_denied", f"it is {word}")


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_next_to_special_ranges_may_be_connected_to(address: str) -> None:
    check_address(address)


@given(st.ip_addresses())
def test_whatever_the_standard_library_holds_for_not_global_is_not_connected_to(address: object) -> None:
    found = ip_address(str(address))
    if special(found) is None:
        assert found.is_global or found in ip_network("64:ff9b::/96")
        assert not found.is_multicast
        assert not found.is_loopback


def test_a_host_that_is_allowed_does_not_lead_to_metadata_by_ipv6() -> None:
    for address in ("fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:ec2::254"):
        with pytest.raises(Malformed, match="metadata"):
            check_address(address, named=True)


def test_an_address_of_an_interface_is_judged_without_it() -> None:
    with pytest.raises(Malformed, match="link-local"):
        check_address("fe80::1%eth0")


ALLOWED = "10.1.0.0/16, registry.intern,https.intern:8443 ,http://127.0.0.1:8000,http://dev.test/,fd00::/8,192.168.7.7"


@pytest.mark.parametrize(
    ("address", "host", "port", "may"),
    [
        ("10.1.2.3", "any.example", 443, True),
        ("10.2.2.3", "any.example", 443, False),
        ("192.168.7.7", "any.example", 443, True),
        ("fd12::1", "any.example", 443, True),
        ("fc00::1", "any.example", 443, False),
        ("10.2.2.3", "registry.intern", 443, True),
        ("10.2.2.3", "registry.intern", 22, True),
        ("10.2.2.3", "https.intern", 8443, True),
        ("10.2.2.3", "https.intern", 443, False),
        ("10.2.2.3", "sub.registry.intern", 443, False),
        ("127.0.0.1", "dev.test", 80, True),
        ("100.64.0.1", "registry.intern", 443, True),
        ("169.254.169.254", "registry.intern", 443, False),  # a name that is allowed does not allow metadata
        ("100.100.100.200", "registry.intern", 443, False),
        ("168.63.129.16", "registry.intern", 443, False),
        ("0.0.0.0", "registry.intern", 443, False),
        ("224.0.0.1", "registry.intern", 443, False),
        ("::ffff:10.0.0.1", "registry.intern", 443, False),
    ],
)
def test_what_the_operator_allows_and_no_more(address: str, host: str, port: int, may: bool) -> None:
    allowed = Allowed.parse(ALLOWED)
    named = allowed.names(host, port)
    if may:
        check_address(address, allowed, named=named)
    else:
        with pytest.raises(Malformed, match="fetch_address_denied"):
            check_address(address, allowed, named=named)


def test_only_what_is_allowed_as_http_is_asked_without_tls() -> None:
    allowed = Allowed.parse(ALLOWED)
    asked = [("127.0.0.1", 8000), ("127.0.0.1", 8001), ("dev.test", None), ("dev.test", 9), ("registry.intern", 80)]
    assert [allowed.without_tls(host, port) for host, port in asked] == [True, False, True, True, False]


UNKNOWN = """
    10.0.0.1/8 10.0.0.0/33 ftp://host.test https://host.test host.test/path a*b * host.test:0 http:// http://u@host.test
    127.1 0x7f.0.0.1 2130706433 host..test - host.test: http://127.1 http://[::1]
"""


@pytest.mark.parametrize("text", [*UNKNOWN.split(), "a b"])
def test_what_is_not_named_in_a_known_way_is_not_allowed(text: str) -> None:
    with pytest.raises(Malformed) as raised:
        Allowed.parse(text)
    assert raised.value.code == "allow_malformed"


def test_nothing_is_allowed_by_nothing() -> None:
    assert Allowed.parse("") == Allowed.parse(" , ") == Allowed()


@pytest.mark.parametrize(
    "host", ["a", "localhost", "a.b", "xn--bcher-kva.example", "my_host.example", "1a.b2", "a" * 63]
)
def test_names_of_hosts(host: str) -> None:
    assert is_host(host)


NO_NAMES = ". a. .a a..b -a a- A.b 1.2.3.4 1 127.1 0x7f 0x7f.1 a.0x a.1 bücher.example a:1 [::1] *.a a/b a@b a%2eb"


@pytest.mark.parametrize("host", ["", "a" * 64, ".".join(["a" * 60] * 5), "a b", "a\n", *NO_NAMES.split()])
def test_what_is_no_name_of_a_host_is_none(host: str) -> None:
    assert not is_host(host)
