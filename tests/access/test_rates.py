"""What keys may ask for: rates and quotas, of their own or everyone's, alone or shared among processes."""

import asyncio
import hashlib
import re
import signal
import time
from contextlib import suppress
from dataclasses import fields
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from foundation.errors import QueueFull
from service.access import shared_windows
from service.access.keys import ApiKey, parse_keys, read_keys
from service.access.rates import DAY_S, QuotaExceeded, RateExceeded, Rates
from service.access.shared_windows import SharedWindows
from service.access.windows import Windows
from service.endpoints.context import Context
from service.engine.budget import Budget
from service.http.requesters import requesting
from service.settings import Settings, WrongSetting
from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S
from tests.valkey import free_port, run_valkey, url_of

KEY = "gmd_shared"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def behalf(name):
    return requesting({"ganymede.key": name})


def test_a_window_begins_with_its_first_count_and_ends_by_the_monotonic_clock(monkeypatch):
    clock = Clock()
    windows = Windows(clock=clock)
    assert [windows.add("a", 3, 10), windows.add("a", 4, 10), windows.add("b", 1, 10)] == [3, 7, 1]
    monkeypatch.setattr(time, "time", lambda: 4e9)  # somebody set the clock
    clock.now = 9.9
    assert windows.add("a", 1, 10) == 8
    assert windows.left_s("a") == pytest.approx(0.1)
    clock.now = 10
    assert windows.left_s("a") == 0
    assert windows.add("a", 2, 10) == 2


def test_what_is_given_back_is_uncounted_in_its_own_window_alone():
    clock = Clock()
    windows = Windows(clock=clock)
    windows.add("a", 5, 10)
    windows.give_back("a", 2)
    assert windows.add("a", 0, 10) == 3
    clock.now = 11
    windows.give_back("a", 3)
    assert windows.add("a", 1, 10) == 1


def test_the_table_of_windows_does_not_grow_and_forgets_who_was_counted_longest_ago():
    windows = Windows(max_names=100)
    windows.add("kept", 1, 60)
    for number in range(5000):
        windows.add(f"stranger {number}", 1, 60)
        windows.add("kept", 1, 60)
    assert len(windows) == 100
    assert windows.add("kept", 1, 60) == 5002


def test_a_clock_that_is_set_neither_locks_out_nor_lets_in(monkeypatch):
    rates = Rates(10, max_images_per_request=100)
    with behalf("alice"):
        asyncio.run(rates.take(100))
        for moment in (0.0, 4e9):
            monkeypatch.setattr(time, "time", lambda moment=moment: moment)
            with pytest.raises(RateExceeded) as refused:
                asyncio.run(rates.take(1))
            assert 1 <= refused.value.retry_after_s <= 10


def test_a_quota_holds_for_a_day_and_what_it_refuses_costs_no_rate():
    rates = Rates(1000, max_images_per_request=100, images_per_day=150)
    with behalf("alice"):
        asyncio.run(rates.take(100))
        with pytest.raises(QuotaExceeded, match=r"50 images left in the next 86,\d00 s, not 51") as refused:
            asyncio.run(rates.take(51))
        assert DAY_S - 60 <= refused.value.retry_after_s <= DAY_S
        asyncio.run(rates.take(50))
        with pytest.raises(QuotaExceeded, match="0 images left"):
            asyncio.run(rates.take(1))
    with behalf("bob"):
        asyncio.run(rates.take(100))


def test_an_entry_overrides_what_holds_for_all_and_none_lifts_it():
    keys = parse_keys(
        f"slow:{DIGEST}:rate_images_per_s=0.005, plain:{DIGEST}\n"
        f"free:{DIGEST} quota_images_per_day=none rate_images_per_s=none"
    )
    rates = Rates(0.01, max_images_per_request=10, images_per_day=20, keys=keys)
    with behalf("free"):
        asyncio.run(rates.take(10_000))
    with behalf("slow"):
        asyncio.run(rates.take(10))
        with pytest.raises(RateExceeded) as refused:
            asyncio.run(rates.take(10))
        assert 1500 <= refused.value.retry_after_s <= 2000
    with behalf("plain"):
        asyncio.run(rates.take(10))
        with pytest.raises(RateExceeded) as refused:
            asyncio.run(rates.take(10))
        assert 500 <= refused.value.retry_after_s <= 1000


@pytest.mark.parametrize(
    "words",
    [
        "rate=5",
        ":rate_images_per_s=1:",
        "rate_images_per_s=1:rate_images_per_s=1",
        "rate_images_per_s",
        "rate_images_per_s=",
        "rate_images_per_s=0",
        "rate_images_per_s=-1",
        "rate_images_per_s=nan",
        "rate_images_per_s=1e3",
        "rate_images_per_s=default",
        "rate_images_per_s=5 rate_images_per_s=6",
        "quota_images_per_day=1.5",
        "quota_images_per_day=9999999999999",
        "quota_images_per_day=١",
        "gmd_a-key-in-the-clear",
    ],
)
def test_a_bound_that_cannot_be_meant_is_refused_by_its_entrys_number_alone(words):
    with pytest.raises(WrongSetting, match="entry 2 is not NAME:SHA256") as refused:
        parse_keys(f"first:{DIGEST}\nsecond:{DIGEST} {words}")
    assert "in-the-clear" not in str(refused.value)
    assert DIGEST not in str(refused.value)


def test_a_file_of_keys_may_lie_in_the_home_folder_and_begin_with_a_byte_order_mark(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "keys").write_bytes(f"\ufeffalice:{DIGEST} # of last year\r\n".encode())
    assert read_keys(Settings(api_keys=SecretStr("~/keys"))) == {"alice": ApiKey(bytes.fromhex(DIGEST))}
    for wrong in ("~nobody-here/keys", "\0", str(tmp_path), str(tmp_path / "none")):
        with pytest.raises(WrongSetting, match="nor a file that can be read"):
            read_keys(Settings(api_keys=SecretStr(wrong)))


def test_a_file_of_keys_that_is_cut_off_nowhere_is_read_whole_or_not_at_all(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# long\n" * 200_000 + f"alice:{DIGEST}\n")
    with pytest.raises(WrongSetting, match="more than 1,048,576 bytes"):
        read_keys(Settings(api_keys=SecretStr(str(path))))


def test_the_command_writes_a_keys_bounds_into_its_entry(call_ganymede):
    made = call_ganymede("key", "carol", "--rate-images-per-s", "2.5", "--quota-images-per-day", "none")
    assert made.returncode == 0, made.stderr
    [entry] = re.findall(r"carol:.*", made.stdout)
    assert parse_keys(entry)["carol"].rate_images_per_s == 2.5
    assert parse_keys(entry)["carol"].quota_images_per_day is None
    refused = call_ganymede("key", "carol", "--quota-images-per-day", "many")
    assert refused.returncode == 2
    assert "quota-images-per-day" in refused.stderr
    assert "carol:" not in refused.stdout


@pytest.mark.parametrize(
    "url",
    [
        "http://:pw@host",
        "redis://:pw@host:port",
        "redis://:pw@host:99999",
        "redis://",
        "rediss:///x",
        "pw",
        "redis://:pw@[x",
        "redis://h:1/0?socket_timeout=pw",
    ],
)
def test_a_store_of_rates_that_cannot_be_meant_is_refused_and_not_repeated(url):
    with pytest.raises(WrongSetting, match="GANYMEDE_RATES_STORE is not redis://") as refused:
        SharedWindows(SecretStr(url))
    assert "pw" not in str(refused.value).replace("[USER:PASSWORD@]", "")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey", "valkeys"])
def test_each_name_of_the_protocol_is_taken(scheme):
    assert (
        SharedWindows(SecretStr(f"{scheme}://u:p%40ss@store.example:6380/2")).location == "store.example:6380"
    )


def test_two_processes_share_one_limit_and_a_refused_request_costs_nothing(tmp_path):
    async def check(port):
        both = [
            Rates(1, max_images_per_request=100, windows=SharedWindows(SecretStr(url_of(port)), timeout_s=20))
            for _ in range(2)
        ]
        with behalf("alice"):
            await both[0].take(60)
            with pytest.raises(RateExceeded, match="40 images left") as refused:
                await both[1].take(41)
            assert 60 < refused.value.retry_after_s <= 100
            await both[1].take(40)
            with pytest.raises(RateExceeded, match="0 images left"):
                await both[0].take(1)
        with behalf("bob"):
            results = await asyncio.gather(*(both[n % 2].take(1) for n in range(130)), return_exceptions=True)
        assert results.count(None) == 100
        assert all(rates.windows.reachable for rates in both)
        for rates in both:
            await rates.windows.close()

    with run_valkey(tmp_path) as (_, port):
        asyncio.run(check(port))


def test_a_store_that_hangs_holds_up_one_request_for_a_moment_and_leaves_the_limit_in_force(tmp_path, caplog):
    async def check(process, port):
        windows = SharedWindows(SecretStr(url_of(port)), timeout_s=0.5, pause_s=3600)
        rates = Rates(1, max_images_per_request=100, windows=windows)
        with behalf("alice"):
            windows._timeout_s = 20  # whatever else this machine does
            await rates.take(60)
            windows._timeout_s = 2  # in which any machine comes to turn the loop some times
            process.send_signal(signal.SIGSTOP)
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            await rates.take(30)
            ticking.cancel()
            assert ticks > 5, "the event loop turned meanwhile"
            assert not windows.reachable
            with pytest.raises(RateExceeded, match="10 images left"):  # what was counted before still counts
                await rates.take(11)
            process.send_signal(signal.SIGCONT)
            windows._again_at, windows._timeout_s = 0.0, 20
            await rates.take(10)
            assert windows.reachable
        await windows.close()

    with run_valkey(tmp_path) as (process, port):
        asyncio.run(check(process, port))
    lines = [record.getMessage() for record in caplog.records if "store" in record.getMessage()]
    assert len(lines) == 2
    assert lines[0].startswith(f"127.0.0.1:{port}: the rates' store does not answer")
    assert "answers again" in lines[1]


def test_those_who_wait_for_a_store_that_hangs_wait_once_and_together(tmp_path):
    async def check(process, port):
        windows = SharedWindows(SecretStr(url_of(port)), timeout_s=20, pause_s=3600)
        await windows.add("warm", 1, 60)
        process.send_signal(signal.SIGSTOP)
        windows._timeout_s, asked = 0.5, 0
        incr = windows._storage.incr

        def count(*arguments):
            nonlocal asked
            asked += 1
            return incr(*arguments)

        windows._storage.incr = count
        counts = await asyncio.gather(*(windows.add("many", 1, 60) for _ in range(500)))
        assert sorted(counts) == list(range(1, 501))  # this process's own
        assert asked == shared_windows._CONNECTIONS
        await windows.close()

    with run_valkey(tmp_path) as (process, port):
        asyncio.run(check(process, port))


@pytest.mark.parametrize("kind", ["nobody", "password"])
def test_a_store_that_refuses_leaves_each_process_to_its_own_count(tmp_path, caplog, kind):
    async def check(port):
        windows = SharedWindows(SecretStr(url_of(port, "wrong-staple")), timeout_s=20)
        rates = Rates(1, max_images_per_request=100, windows=windows)
        with behalf("alice"):
            await rates.take(100)
            with pytest.raises(RateExceeded):
                await rates.take(1)
        assert not windows.reachable
        await windows.close()

    if kind == "nobody":
        asyncio.run(check(free_port()))
    else:
        with run_valkey(tmp_path) as (_, port):
            asyncio.run(check(port))
    assert "does not answer" in caplog.text
    assert "wrong-staple" not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        b":abc",
        b"$-1",
        b"+OK",
        b"$3\r\nabc",
        b"*1\r\n:5",
        b":" + b"9" * 5000,
        b"x" * 100_000,
        b"HTTP/1.1 400 No",
    ],
    ids=lambda answer: answer[:8].decode(),
)
def test_a_store_that_answers_with_no_count_leaves_each_process_to_its_own(caplog, answer):
    async def talk(reader, writer):
        with suppress(ConnectionError):
            while await reader.read(4096):
                writer.write(answer + b"\r\n")
                await writer.drain()
        writer.close()

    async def check():
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            windows = SharedWindows(SecretStr(url_of(port)), timeout_s=20, pause_s=0)
            assert await windows.add("a", 3, 60) == 3
            assert not windows.reachable
            assert 0 < await windows.left_s("a") <= 60
            await windows.give_back("a", 1, 60)
            assert await windows.add("a", 1, 60) == 3
            await windows.close()

    asyncio.run(check())
    assert caplog.text.count("does not answer") == 1


def test_a_connection_that_the_store_closed_is_opened_anew_and_is_no_failure(tmp_path):
    async def check(folder):
        with run_valkey(folder) as (_, port):
            windows = SharedWindows(SecretStr(url_of(port)), timeout_s=20)
            assert await windows.add("a", 5, 60) == 5
        with run_valkey(folder, port):
            assert await windows.add("a", 3, 60) == 3  # a new server, and it was asked
            assert windows.reachable
        await windows.close()

    asyncio.run(check(tmp_path))


def test_servers_share_a_keys_limit_and_tell_it_in_headers_and_figures(tmp_path, tiny_store):
    keys = f"alice:{DIGEST} rate_images_per_s=1 quota_images_per_day=1000"
    with run_valkey(tmp_path) as (_, port):
        variables = {
            "GANYMEDE_API_KEYS": keys,
            "GANYMEDE_RATES_STORE": url_of(port),
            "GANYMEDE_MAX_IMAGES_PER_REQUEST": "80",
        }
        flags = ("--default-model", "grey", "--quota-images-per-day", "10")
        with (
            run_server(tiny_store, tmp_path, *flags, **variables) as one,
            run_server(tiny_store, tmp_path, *flags, **variables) as two,
        ):
            headers = {"X-Api-Key": KEY}
            first = httpx.post(f"{one.url}/generate", json={"count": 50}, headers=headers)
            assert first.status_code == 200
            assert first.headers["ratelimit-policy"] == (
                '"rate";q=80;qu="images";w=80, "quota";q=1000;qu="images";w=86400'
            )
            assert first.headers["ratelimit"] == '"rate";r=30, "quota";r=950'
            refused = httpx.post(
                f"{two.url}/generate", json={"count": 31}, headers=headers, timeout=PATIENCE_S
            )
            assert refused.status_code == 429
            assert "30 images left" in refused.json()["detail"]
            assert refused.headers["ratelimit"] == f'"rate";r=30;t={refused.headers["retry-after"]}'
            with two.client() as client:
                assert metric(client, 'ganymede_refusals_total{code="rate-exceeded"}') == 1
                assert metric(client, "ganymede_rates_store_reachable") == 1
            for server in (one, two):
                assert "correct-horse" not in server.log.read_text()


def test_the_time_a_store_is_given_is_short():
    assert shared_windows._TIMEOUT_S <= 0.5


def test_images_for_which_there_is_no_room_any_more_are_given_back():
    class Engine(Any):
        """One that fills while the rates' store is asked."""

        asked = 0

        def check_room(self, images, requester):
            self.asked += 1
            if self.asked == 2:
                raise QueueFull("others came meanwhile")

    rates, budget = Rates(1, max_images_per_request=100), Budget(2**20)
    given = {"engine", "rates", "budget"}
    others: dict[str, Any] = dict.fromkeys({each.name for each in fields(Context)} - given)
    context = Context(**others, engine=Engine(), rates=rates, budget=budget)
    with behalf("alice"):
        with pytest.raises(QueueFull):
            asyncio.run(context.accept(100, 64))
        assert budget.held_bytes == 0
        asyncio.run(rates.take(100))


def test_a_request_that_is_refused_for_its_label_costs_no_rate(tmp_path, tiny_store):
    variables = {"GANYMEDE_API_KEYS": f"alice:{DIGEST} rate_images_per_s=0.01"}
    flags = ("--default-model", "colour", "--max-images-per-request", "20")
    tensor = {"name": "latent", "shape": [15, 6], "datatype": "FP32", "data": [0.5] * 90}
    wrong = {"name": "label", "shape": [15, 3], "datatype": "FP32", "data": [0.0] * 45}
    with run_server(tiny_store, tmp_path, *flags, **variables) as server, server.client() as client:
        client.headers["X-Api-Key"] = KEY
        for path, body in (
            ("/generate", {"count": 15, "label": "zz"}),
            ("/generate", {"latents": [[0.5] * 7] * 15, "label": 0}),
            ("/latent-walk", {"seeds": [1, 2], "frames": 15, "label": "zz"}),
            ("/v2/models/colour/infer", {"inputs": [tensor, wrong]}),
        ):
            assert client.post(path, json=body).status_code == 422, path
        assert client.post("/generate", json={"count": 20}).status_code == 200
        assert client.post("/generate", json={"count": 1}).status_code == 429
