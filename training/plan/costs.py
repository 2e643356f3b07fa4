"""What a run would take on instances that can be rented: hours by ratio, dollars by a table of prices."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

TABLE = Path(__file__).parent / "instances.json"
CORE_TFLOPS = 0.1
"""Of a core with AVX2 at 3 GHz, float32: two units, eight numbers, a product and a sum each."""
GPU_SHARE = 0.25
"""Of its peak that a GPU reaches with networks this small, at 64 pixels and more; half of that below. A
guess, on the careful side: no GPU was measured."""
BFLOAT16_FACTORS = {"amx": 1.8, "avx512": 1.3, "": 1.0}
"""By which bfloat16 is faster than float32: measured on these networks, see `training.networks.precision`."""


class Instance(BaseModel):
    """A line of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    service: Literal["EC2", "SageMaker"]
    usd_per_hour: float
    memory_gb: float
    cores: int = 0
    """Of its processor, two virtual ones each; 0 where the GPU does the work."""
    bfloat16: Literal["amx", "avx512", ""] = ""
    gpu: str = ""
    gpu_memory_gb: float = 0.0
    float32_tflops: float = 0.0

    def speed(self, size: int) -> float:
        """Return how many cores in float32 it is worth, for pictures of `size` pixels a side."""
        if self.gpu:
            share = GPU_SHARE if size >= 64 else GPU_SHARE / 2
            return share * self.float32_tflops / CORE_TFLOPS
        return self.cores * BFLOAT16_FACTORS[self.bfloat16]


class PriceTable(BaseModel):
    """`instances.json`: what is known of instances, when and from where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: str
    region: str
    source: str
    speeds: str
    instances: tuple[Instance, ...]


class Cost(BaseModel):
    """What a run takes on one instance."""

    model_config = ConfigDict(frozen=True)

    instance: str
    service: str
    gpu: str
    image: str
    """The container image's target that trains there."""
    hours: float
    usd: float
    fits: bool
    """Whether the memory is enough."""
    measured: Literal[False] = False


def read_table() -> PriceTable:
    """Return the table."""
    return PriceTable.model_validate_json(TABLE.read_text(encoding="utf-8"))


def estimate_costs(
    table: PriceTable, *, hours_here: float, speed_here: float, size: int, memory_gb: float
) -> tuple[Cost, ...]:
    """Return hours and dollars on each instance, for a run that takes `hours_here` on a machine so fast."""
    costs = []
    for instance in table.instances:
        hours = hours_here * speed_here / instance.speed(size)
        room_gb = instance.gpu_memory_gb if instance.gpu else instance.memory_gb
        costs.append(
            Cost(
                instance=instance.name,
                service=instance.service,
                gpu=instance.gpu,
                image="training-gpu" if instance.gpu else "training",
                hours=round(hours, 2),
                usd=round(hours * instance.usd_per_hour, 2),
                fits=room_gb >= memory_gb,
            )
        )
    return tuple(costs)
