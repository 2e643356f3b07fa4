"""Walks under attack: cancelled over and over, ended amid, and large ones by the dozen."""

import asyncio
import hashlib
import random
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.conftest import metric, run_server

FORMATS = ("mp4", "apng", "webp", "gif", "png", "zip", "npy")


def memory_bytes(server, name):
    """A line of the server's status: `VmRSS` is what it has now, `VmHWM` the most that it ever had."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(name)]
    return 1024 * int(line.split()[1])


async def walk(client, request, leave_after_s=None):
    """The status of a walk; None where the client left, or had nobody to talk to."""
    try:
        async with asyncio.timeout(leave_after_s):
            return (await client.post("/latent-walk", json=request)).status_code
    except (TimeoutError, httpx.HTTPError):
        return None


def walks(server, requests, leave_after_s=lambda: None):
    """Their statuses, all asked for at once."""

    async def ask():
        limits = httpx.Limits(max_connections=len(requests))
        async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits) as client:
            return await asyncio.gather(*(walk(client, request, leave_after_s()) for request in requests))

    return asyncio.run(ask())


def wait_until_idle(server, limit_s=60):
    deadline = time.monotonic() + limit_s
    with server.client() as client:
        while metric(client, "ganymede_flight_bytes") or metric(client, "ganymede_queue_images"):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.timeout(600)
def test_clients_that_leave_as_their_time_ends_harm_nobody(tmp_path):
    """The disconnect and the time limit both cancel a walk whose encoder is in use, in either order."""
    flags = ("--request-timeout-s", "2", "--max-bytes-in-flight", "4000000000", "--ui", "off")
    chance = random.Random(0)  # noqa: S311 - nothing secret
    with run_server("models", tmp_path, *flags, TMPDIR=str(tmp_path)) as server:
        for turn in range(12):
            requests = [
                {"model": "emoji@v3", "seeds": [seed, turn], "frames": 64, "scale": 11, "format": format}
                for seed, format in enumerate(chance.choices(FORMATS[:4], k=16))
            ]
            assert set(walks(server, requests, lambda: chance.uniform(1.8, 2.6))) <= {None, 504, 503}
            assert server.process.poll() is None, server.log.read_text()[-3000:]
        wait_until_idle(server)
        assert not list(tmp_path.glob("ganymede-*"))
        assert walks(server, [{"seeds": [1, 2]}]) == [200]
    assert "Traceback" not in server.log.read_text()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_end_amid_walks_comes_in_time_and_without_a_crash(tmp_path, sent):
    flags = ("--drain-timeout-s", "1", "--max-bytes-in-flight", "4000000000", "--ui", "off")
    for turn in range(3):
        with run_server("models", tmp_path, *flags, TMPDIR=str(tmp_path)) as server:

            async def end(server=server, turn=turn):
                async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                    request = {"model": "emoji@v3", "frames": 60, "scale": 16, "format": FORMATS[turn]}
                    calls = [
                        asyncio.create_task(walk(client, {**request, "seeds": [seed, 1]}))
                        for seed in range(16)
                    ]
                    await asyncio.sleep(2)
                    server.process.send_signal(sent)
                    statuses = await asyncio.gather(*calls)
                    return Counter(statuses)

            statuses = asyncio.run(end())
            assert set(statuses) <= {200, 503}, statuses
            assert server.process.wait(timeout=30) in (-sent, 128 + sent, 0)
        assert "Fatal" not in server.log.read_text()


@pytest.mark.timeout(600)
def test_large_walks_stay_within_their_bytes_and_leave_the_memory_to_others(tmp_path):
    with run_server(
        "models", tmp_path, "--request-timeout-s", "120", "--ui", "off", TMPDIR=str(tmp_path)
    ) as server:
        assert walks(server, [{"model": "emoji@v3", "seeds": [1, 2]}]) == [200]
        before = memory_bytes(server, "VmRSS")
        for format in FORMATS:
            requests = [
                {"model": "emoji@v3", "seeds": [seed, 1], "frames": 8, "scale": 64, "format": format}
                for seed in range(16)
            ]
            assert set(walks(server, requests)) == {200, 503}
        wait_until_idle(server)
        assert memory_bytes(server, "VmHWM") - before < 2**30
        assert memory_bytes(server, "VmRSS") < 2 * before
        assert not list(tmp_path.glob("ganymede-*"))


@pytest.mark.timeout(120)
def test_one_key_that_asks_for_all_it_can_get_does_not_shut_out_another(tiny_store, tmp_path):
    names = {"greedy": "g", "modest": "m"}
    entries = (f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in names.items())
    flags = ("--default-model", "grey", "--max-batch-images", "1", "--ui", "off")

    async def compete(server):
        going = True

        async def be_greedy(client, number):
            seed = 10_000 * number
            while going:
                request = {"seed": seed, "count": 1024, "format": "npy"}
                answer = await client.post("/generate", json=request, headers={"X-Api-Key": "g"})
                assert answer.status_code in (200, 503)
                seed += 1024

        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            greedy = [asyncio.create_task(be_greedy(client, number)) for number in range(6)]
            await asyncio.sleep(1)
            for seed in range(20):
                request = {"seed": seed, "count": 4}
                answer = await client.post("/generate", json=request, headers={"X-Api-Key": "m"})
                assert answer.status_code == 200, answer.text
            going = False
            await asyncio.gather(*greedy)

    with run_server(tiny_store, tmp_path, *flags, GANYMEDE_API_KEYS=",".join(entries)) as server:
        asyncio.run(compete(server))
        with server.client(headers={"X-Api-Key": "m"}) as client:
            refused = metric(client, 'ganymede_requests_total{route="/generate",status="503"}')
    assert refused > 0, "the queue was never full: nothing was tried"
