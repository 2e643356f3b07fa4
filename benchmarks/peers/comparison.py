"""Every stack under one load, in rounds that alternate: what each round saw."""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.against import ratios_of
from benchmarks.peers.models import Served
from benchmarks.peers.pictures import draw_feeds
from benchmarks.peers.stacks import OURS, Stack, ask_pixels, start_stack
from benchmarks.servers import Running, start_ganymede
from benchmarks.serving import Scenario, measure
from ganymede.load import LoadFailed

_CHECKED = {"seed": 7, "count": 5}
_CALM_S = 0.2
_CALM_SHARE = 0.25
"""A server that has used less of a core than this for so long has nothing left to do."""
_CALM_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One server's part of a round; CPU time is that of all its processes."""

    images_per_s: float
    cpu_ms_per_image: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A scenario: for every round what each server did, by its name."""

    images: int
    connections: int
    rounds: list[dict[str, Seen]]

    @property
    def scenario(self) -> Scenario:
        """Images a request, and connections."""
        return Scenario(self.images, self.connections)

    def ratios(self, peer: str, value: Callable[[Seen], float]) -> list[float]:
        """Ours divided by `peer`'s in every round, in order of size; without rounds that have no ratio."""
        return ratios_of([(seen[OURS], seen[peer]) for seen in self.rounds], value)

    def failed(self, server: str) -> int:
        """Its requests in all rounds that had no answer."""
        return sum(seen[server].failed for seen in self.rounds)


@dataclass(frozen=True, slots=True)
class Result:
    """A model under all scenarios, and why any peer is missing, by its name."""

    model: str
    compared: list[Compared] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, content: dict[str, Any]) -> "Result":
        """What `dataclasses.asdict` made of one."""
        compared = [
            Compared(
                entry["images"],
                entry["connections"],
                [{name: Seen(**seen) for name, seen in turn.items()} for turn in entry["rounds"]],
            )
            for entry in content["compared"]
        ]
        return cls(content["model"], compared, content["left_out"])


def compare(served: Served, stacks: Sequence[Stack], *, rounds: int, seconds: int) -> Result:
    """Ours and every one of `stacks` that starts and answers the same pixels, all started beforehand."""
    result = Result(served.reference)
    with ExitStack() as held:
        servers = {OURS: held.enter_context(start_ganymede(served.store, served.reference))}
        for stack in stacks:
            try:
                servers[stack.name] = held.enter_context(start_stack(stack, served.graph))
            except (RuntimeError, subprocess.CalledProcessError) as error:
                result.left_out[stack.name] = str(error)
        for name in find_others(servers, served.sizes):
            result.left_out[name] = "it answers other pixels"
            del servers[name]
        for scenario in served.scenarios:
            seen = run_rounds(servers, scenario, rounds=rounds, seconds=seconds)
            result.compared.append(Compared(scenario.images, scenario.connections, seen))
    return result


def find_others(servers: dict[str, Running], sizes: dict[str, int]) -> list[str]:
    """The servers whose pixels differ from ours, for latents and classes as the peers draw them."""
    feeds = draw_feeds(sizes, _CHECKED["seed"], _CHECKED["count"])
    body: dict[str, object] = {"latents": feeds["latent"].tolist()}
    if "label" in feeds:
        body["labels"] = feeds["label"].argmax(axis=1).tolist()
    ours = ask_pixels(servers[OURS], body)
    peers = [name for name in servers if name != OURS]
    return [name for name in peers if not np.array_equal(ours, ask_pixels(servers[name], dict(_CHECKED)))]


def run_rounds(
    servers: dict[str, Running], scenario: Scenario, *, rounds: int, seconds: int
) -> list[dict[str, Seen]]:
    """What each server did in every round, of so many seconds each; every second round goes backwards."""
    for server in servers.values():
        run_round(server, scenario, 1)  # to warm up
    return [
        {name: run_round(servers[name], scenario, seconds) for name in order_servers(list(servers), turn)}
        for turn in range(rounds)
    ]


def order_servers(names: list[str], turn: int) -> list[str]:
    """`names` as they are, and backwards in every second turn: a machine that slows down hurts all alike."""
    return names[::-1] if turn % 2 else names


def run_round(server: Running, scenario: Scenario, seconds: int) -> Seen:
    """One server under load; ends when it rests, so that what it has begun costs the next one nothing."""
    try:
        before_s = find_cpu_s(server)
        found = measure(server, scenario, seconds)
        spent_s = find_cpu_s(server) - before_s
        wait_until_calm(server)
    except (LoadFailed, psutil.NoSuchProcess):  # it is gone, which is a result, too
        return Seen(0.0, 0.0, 0.0, 0.0, failed=1)
    images = found.images_per_s * seconds
    return Seen(
        images_per_s=round(found.images_per_s, 1),
        cpu_ms_per_image=round(1e3 * spent_s / images, 4) if images else 0.0,
        p50_ms=round(found.p50_ms, 2),
        p99_ms=round(found.p99_ms, 2),
        failed=found.failed,
    )


def wait_until_calm(server: Running) -> None:
    """Wait for what a server does for clients that have left, for a bounded time."""
    until = time.monotonic() + _CALM_LIMIT_S
    before_s = find_cpu_s(server)
    while time.monotonic() < until:
        time.sleep(_CALM_S)
        now_s = find_cpu_s(server)
        if now_s - before_s < _CALM_SHARE * _CALM_S:
            return
        before_s = now_s


def find_cpu_s(server: Running) -> float:
    """Seconds of a core that a server's process and all that it has started have had."""
    process, spent_s = psutil.Process(server.process.pid), 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent_s += times.user + times.system
    return spent_s


def describe_machine() -> str:
    """The processor's name, its cores, and what it has for low precision."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    known = {key.strip(): value.strip() for key, value in fields.items()}
    kinds = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX512_BF16", "amx_bf16": "AMX"}
    has = [kinds[flag] for flag in kinds if flag in known.get("flags", "").split()]
    cores = len(psutil.Process().cpu_affinity() or [])
    return (
        f"{cores} cores of {known.get('model name', 'an unknown processor')} ({', '.join(has) or 'no AVX2'})"
    )
