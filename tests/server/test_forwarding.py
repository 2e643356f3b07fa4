"""Behind proxies a request has the address that they wrote, whatever its client wrote before."""

import asyncio

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from service.http.requesters import address_of
from service.server.forwarding import count_proxies, read_entry

PROXY, STRANGER = "10.0.3.4", "203.0.113.9"
VIEWER, EDGE = "198.51.100.7", "130.176.0.9"


async def tell_address(scope, receive, send):
    await PlainTextResponse(address_of(scope) or "none")(scope, receive, send)


def ask(peer, *fields, hops, allowed="10.0.0.0/16"):
    """What uvicorn's application, as `ganymede serve` puts it together, takes for a client's address."""
    configuration = uvicorn.Config(tell_address, log_config=None, forwarded_allow_ips=allowed)
    count_proxies(configuration, hops)
    if not configuration.loaded:
        configuration.load()
    transport = httpx.ASGITransport(app=configuration.loaded_app, client=(peer, 1))

    async def get():
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.get("/", headers=[("X-Forwarded-For", each) for each in fields])).text

    return asyncio.run(get())


@pytest.mark.parametrize(
    "written",
    [
        (),
        ("192.0.2.1",),
        ("192.0.2.1, 192.0.2.2, 192.0.2.3",),
        (f"{EDGE}, {PROXY}",),
        ("10.0.0.1",),
        ("127.0.0.1",),
        ("unknown",),
        ("", " , ,"),
        ("192.0.2.1", "192.0.2.2"),
        ("\t[2001:db8::1]:80",),
    ],
)
def test_who_came_by_the_edge_and_the_balancer_is_the_viewer_whatever_it_wrote(written):
    assert ask(PROXY, *written, f"{VIEWER}, {EDGE}", hops=2) == VIEWER
    assert ask(PROXY, ", ".join((*written, VIEWER, EDGE)), hops=2) == VIEWER


def test_a_client_inside_the_network_is_not_believed_where_proxies_are_counted():
    inside = "10.0.7.7"
    assert ask(PROXY, f"192.0.2.1, {inside}", hops=1) == inside
    assert ask(PROXY, f"192.0.2.1, {inside}", hops=None) == "192.0.2.1", "uvicorn's own rule"


def test_a_stranger_that_no_proxy_of_ours_asked_for_is_its_own_address():
    for hops in (None, 1, 2):
        assert ask(STRANGER, f"{VIEWER}, {EDGE}", hops=hops) == STRANGER


def test_of_what_came_past_the_farthest_proxy_nothing_is_believed():
    assert ask(PROXY, STRANGER, hops=2) == PROXY
    assert ask(PROXY, f"{VIEWER}, {STRANGER}", hops=3) == PROXY
    assert ask(PROXY, hops=2) == PROXY, "a health check of the balancer's own"


def test_two_viewers_by_one_edge_are_two():
    assert ask(PROXY, f"{VIEWER}, {EDGE}", hops=2) != ask(PROXY, f"{STRANGER}, {EDGE}", hops=2)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%anything", "fe80::1"),
        ("[fe80::1%1]:80", "fe80::1"),
        ("unknown", None),
        ("", None),
        ("a:b", None),
        ("192.0.2.1.5", None),
        ("é", None),
    ],
)
def test_an_entry_is_an_address_or_nothing(entry, address):
    read = read_entry(f"192.0.2.99,{entry},192.0.2.98".encode("latin-1"), 2)
    assert (read and read.decode()) == address


def test_a_long_list_costs_no_more_than_its_end():
    assert read_entry(b"1.1.1.1," * 8000 + b"192.0.2.1,192.0.2.2", 2) == b"192.0.2.1"
