"""Which addresses may be connected to on another's word: those of the public Internet, and what the operator names.

A DID, or an address in a credential, is chosen by whoever shows it. Were it simply asked, anybody could have a service
knock at its operator's own doors: the database beside it, the metadata of the cloud it runs in. So an address that a
name leads to is judged here, after the look-up, and only what is judged is connected to (``identity.fetch``).

    10.0.0.0/8               addresses of this network may be connected to, whatever the name
    registry.intern          this host may have private addresses (registry.intern:8443: on this port alone)
    http://localhost:8000    the same, and it is asked without TLS

What is public follows the IANA registries of special addresses (RFC 6890); IPv6 only within 2000::/3, and addresses
that stand for others (mapped, 6to4, Teredo) not at all, but for NAT64 of a public IPv4 address (RFC 6052).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from identity.errors import Malformed, declare

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HOST_MAX = 253  # letters of a name (RFC 1035 section 2.3.4)

declare(
    "malformed",
    fetch_address_denied=(
        "the address is not one of the public Internet",
        "nothing is fetched from there; whoever runs this may allow it: CADASTRE_RESOLVE_ALLOW",
    ),
    allow_malformed=(
        "what may be asked is not named in a known way",
        "name networks and hosts, parted by commas: 10.0.0.0/8,registry.intern,http://localhost:8000",
    ),
)

_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is given out
_LOCAL = ("loopback", "private", "shared")  # what a host that is allowed by name may have
_SPECIAL: dict[str, tuple[str, ...]] = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "shared": ("100.64.0.0/10",),  # behind a carrier's NAT (RFC 6598)
    "link-local": ("169.254.0.0/16", "fe80::/10"),  # where most clouds keep their metadata
    "metadata": (  # and where some others do
        *("168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::254/128"),
        *("fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128"),
    ),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "translated": ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
    "reserved": (
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
    ),
}
_ORDER = ("metadata", "unspecified", *(word for word in _SPECIAL if word not in ("metadata", "unspecified")))
_NETWORKS = [(word, ip_network(network)) for word in _ORDER for network in _SPECIAL[word]]

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)  # such a last label makes an address of a name (WHATWG URL)
_ENTRY = re.compile(r"(http://)?([^/:]+)(?::([1-9][0-9]{0,4}))?/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator lets be asked beyond public addresses. Hosts are ``name`` or ``name:port``, lower-case."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()  # of the hosts those that are asked without TLS

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """From the form shown above, parted by commas. Raises ``Malformed`` (``allow_malformed``)."""
        networks: list[Network] = []
        hosts: set[str] = set()
        plain: set[str] = set()
        for entry in filter(None, map(str.strip, text.split(","))):
            try:
                networks.append(ip_network(entry))
            except ValueError:
                host = _host_of(entry)
                hosts.add(host)
                if entry.startswith("http://"):
                    plain.add(host)
        return cls(tuple(networks), frozenset(hosts), frozenset(plain))

    def names(self, host: str, port: int) -> bool:
        """Whether this host was named."""
        return not self.hosts.isdisjoint(_spellings(host, port))

    def without_tls(self, host: str, port: int | None) -> bool:
        """Whether it is to be asked without TLS; a port that is not given is the one of HTTP."""
        return not self.plain.isdisjoint(_spellings(host, port or 80))


NOTHING = Allowed()


def check_address(text: str, allowed: Allowed = NOTHING, *, named: bool = False) -> None:
    """Return if this address may be connected to. Raises ``Malformed``: ``fetch_address_denied``.

    ``named``: the host that has it is one of those allowed. Which address it is is not told: whoever has it asked for
    would learn of networks that are not theirs.
    """
    address = ip_address(text.partition("%")[0])
    if any(address in network for network in allowed.networks):
        return
    word = special(address)
    if word is not None and not (named and word in _LOCAL):
        raise Malformed("fetch_address_denied", f"it is {word}")


def special(address: Address) -> str | None:
    """What makes an address another than one of the public Internet; None if nothing does."""
    if address in _NAT64:
        return special(IPv4Address(int(address) & 0xFFFFFFFF))
    for word, network in _NETWORKS:
        if address in network:
            return word
    if not address.is_global or (address.version == 6 and address not in _UNICAST):
        return "reserved"
    return None


def is_host(text: str) -> bool:
    """Whether this is the name of a host, lower-case (RFC 1123), and no spelling of an address."""
    return len(text) <= HOST_MAX and bool(_NAME.fullmatch(text)) and not _NUMBER.fullmatch(text.rpartition(".")[2])


def _host_of(entry: str) -> str:
    """``name`` or ``name:port`` of an allowed host; an address may stand for a name with ``http://``."""
    found = _ENTRY.fullmatch(entry)
    name = found[2].lower() if found else ""
    if not found or not (is_host(name) or (found[1] and _is_ipv4(name))):
        raise Malformed("allow_malformed", ascii(entry[:120]))
    return f"{name}:{found[3]}" if found[3] else name


def _is_ipv4(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv4Address)
    except ValueError:
        return False


def _spellings(host: str, port: int) -> Iterator[str]:
    yield host
    yield f"{host}:{port}"
