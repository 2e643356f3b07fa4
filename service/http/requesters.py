"""For whom something is done: the key that a request came with, or without keys the address it came from.

What is bounded is shared among requesters (`service.engine.room`), and batches are taken from them in turn.
Behind proxies the address is the one that uvicorn reads from `X-Forwarded-For`, of proxies in
`FORWARDED_ALLOW_IPS`, so many from the right as `GANYMEDE_PROXY_HOPS` says (`service.server.forwarding`).
"""

import contextvars
import ipaddress
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

_NETWORK_BITS = 64
"""A household or a server has as many IPv6 addresses as it likes, all in one such network (RFC 6177)."""

_SCOPE_KEY = "ganymede.key"
_key_name: contextvars.ContextVar[str | None] = contextvars.ContextVar("key_name", default=None)
_address: contextvars.ContextVar[str | None] = contextvars.ContextVar("address", default=None)


def note_key(scope: MutableMapping[str, Any], name: str) -> None:
    """Let what the current task does, and what is done for `scope` later, be the doing of a key."""
    scope[_SCOPE_KEY] = name
    _key_name.set(name)


def note_address(scope: Mapping[str, Any]) -> None:
    """Let what the current task does count for the address of `scope`, until a key is known.

    A task may begin in the context of the request before it on its connection.
    """
    _address.set(address_of(scope))
    _key_name.set(None)


def current_key() -> str | None:
    """The name of the API key of the request that is being answered."""
    return _key_name.get()


def current_requester() -> str | None:
    """A name for whoever the current task works for; None where it is nobody's request."""
    key = current_key()
    return f"key {key}" if key is not None else _address.get()


@contextmanager
def requesting(scope: Mapping[str, Any]) -> Iterator[None]:
    """Let what is done inside count for the key and the address of the request of `scope`.

    A request's own task knows its key; one that works for many requests does not.
    """
    address, key = _address.set(address_of(scope)), _key_name.set(scope.get(_SCOPE_KEY))
    try:
        yield
    finally:
        _address.reset(address)
        _key_name.reset(key)


def address_of(scope: Mapping[str, Any]) -> str | None:
    """The client's IPv4 address, or the network of its IPv6 address; None where there is none."""
    client = scope.get("client")
    if not client:
        return None
    host: str = client[0]
    return _network_of(host) if ":" in host else host


def _network_of(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _NETWORK_BITS), strict=False))
