"""A target under Hypothesis: what every reader must keep to, whatever comes."""

import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import LONGEST_BYTES, mutate_bytes, mutate_json
from tests.fuzz.target import Target

EXAMPLES = 150
CPU_LIMIT_S = 10.0
"""Of one example of a few thousand bytes; a thousand times what the slowest takes."""
LONGEST_REFUSAL = 10_000


def strategy_of(target: Target) -> st.SearchStrategy[bytes]:
    """Bytes at random, and bytes near those that are read well."""
    seeds = target.seeds()
    near = mutate_json(seeds) if target.json else mutate_bytes(seeds)
    return st.binary(max_size=LONGEST_BYTES // 8) | mutate_bytes(seeds) | near | near


def attack_target(target: Target) -> None:
    """Every example is read or refused in the reader's own words, soon, and in little memory."""
    for content in target.seeds():
        target.attack(content)  # what is loaded at the first use is not counted
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = read_memory("VmRSS")

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(content=strategy_of(target))
    def attack(content: bytes) -> None:
        began = time.process_time()
        said = target.attack(content)
        assert time.process_time() - began < CPU_LIMIT_S
        assert len(said) < LONGEST_REFUSAL, "a refusal repeats what it was given"

    attack()
    assert read_memory("VmHWM") - before < target.memory_limit_bytes


def read_memory(name: str) -> int:
    """`VmRSS`, or `VmHWM`, its peak, of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
