"""Addresses: where a connection or a request comes from, and who of them is a proxy of ours."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from handlers.web.access import Origin

Network = IPv4Network | IPv6Network

_SITE_PREFIX = 64  # bits: what one household or phone has of IPv6


class Addresses:
    """Reads addresses."""

    def __init__(self, proxies: Iterable[Network] = ()) -> None:
        """`proxies` are believed what they say of a caller's address."""
        self._proxies = tuple(proxies)

    def of_caller(self, origin: Origin) -> str:
        """Where a request comes from: the last address in `X-Forwarded-For` that is not a proxy of
        ours, if a proxy sent it. Of IPv6 the network of the household."""
        said = origin.forwarded_for.split(",")
        address = _plain(origin.peer)
        while said and self._is_proxy(address):
            try:
                address = _plain(said.pop().strip())
            except ValueError:
                break
        return _site(address)

    def of_peer(self, peer: str) -> str | None:
        """Where a connection comes from; None if it is that of a proxy, which speaks for many."""
        address = _plain(peer)
        if self._is_proxy(address):
            return None
        return _site(address)

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in proxy for proxy in self._proxies)


def _plain(written: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 that is written as IPv6 becomes what it is. Raises `ValueError`."""
    address = ip_address(written)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _site(address: IPv4Address | IPv6Address) -> str:
    if address.version == 6:
        return str(ip_network((address, _SITE_PREFIX), strict=False))
    return str(address)
