"""What all shards of one place are of: fixed by whoever comes first, and compared by all who come later."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import orjson

from foundation.manifest import REFERENCE_GRAPH, Manifest
from foundation.whole import read_whole
from ganymede.bulk.seeds import Seeds, WrongOrder

ShardFormat = Literal["tar", "npz"]
FORMATS: tuple[ShardFormat, ...] = ("tar", "npz")
MAX_SHARDS = 1_000_000
MAX_SHARD_IMAGES = 1_000_000
_INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class Shard:
    """The seeds from place `start` to `stop`, in one file."""

    name: str
    start: int
    stop: int

    @property
    def record(self) -> str:
        """The name of the file that says what it is, written after it."""
        return f"{self.name.partition('.')[0]}.json"


@dataclass(frozen=True, slots=True)
class Order:
    """Which pictures, by which version, in shards of how many."""

    seeds: Seeds
    format: ShardFormat
    shard_images: int
    label: str | None
    truncation: float
    scale: int

    def __post_init__(self) -> None:
        """Raises WrongOrder: it is none that can be made."""
        if self.format not in FORMATS:
            raise WrongOrder(f"Shards are tar or npz, not {self.format!r:.40}.")
        if read_whole(self.shard_images) is None or not 1 <= self.shard_images <= MAX_SHARD_IMAGES:
            raise WrongOrder(
                f"A shard holds from 1 to {MAX_SHARD_IMAGES:,} pictures, not {self.shard_images!r:.40}."
            )
        if self.count > MAX_SHARDS:
            raise WrongOrder(
                f"These would be {self.count:,} shards, and at most {MAX_SHARDS:,} are made: "
                "let each hold more pictures."
            )

    @property
    def count(self) -> int:
        """How many shards there are."""
        return -(-len(self.seeds) // self.shard_images)

    def shards(self, index: int = 0, processes: int = 1) -> Iterator[Shard]:
        """Those of process `index` of so many; together they are all, and none is two's."""
        for number in range(index, self.count, processes):
            start = number * self.shard_images
            stop = min(start + self.shard_images, len(self.seeds))
            yield Shard(f"shard-{number:06}.{self.format}", start, stop)

    def check_process(self, index: int, processes: int) -> None:
        """Raise WrongOrder if there is no process `index` of so many."""
        if read_whole(processes) is None or not 1 <= processes <= MAX_SHARDS:
            raise WrongOrder(f"From 1 to {MAX_SHARDS:,} processes share the shards, not {processes!r:.40}.")
        if read_whole(index) is None or not 0 <= index < processes:
            raise WrongOrder(
                f"There is no process {index!r:.40} of {processes}: they are 0 to {processes - 1}."
            )

    def describe(self, manifest: Manifest) -> dict[str, object]:
        """It as JSON has it; the same order of the same version is the same JSON."""
        graph = manifest.file(REFERENCE_GRAPH)
        return {
            "schema_version": 1,
            "model": manifest.reference,
            "graph_sha256": graph.sha256 if graph else None,
            "seeds": str(self.seeds),
            "images": len(self.seeds),
            "label": self.label,
            "classes": list(manifest.label.classes) if manifest.label else None,
            "truncation": self.truncation,
            "scale": self.scale,
            "format": self.format,
            "shard_images": self.shard_images,
            "shards": self.count,
        }


def write_document(document: object) -> bytes:
    """JSON for people to read, the same bytes for the same content."""
    return orjson.dumps(document, option=_INDENTED)


def compare(found: bytes, wanted: dict[str, object], location: str) -> None:
    """Raise WrongOrder, naming the first difference, if another order lies at `location`."""
    try:
        there = orjson.loads(found)
    except ValueError:
        there = None
    if not isinstance(there, dict):
        raise WrongOrder(f"{location}/order.json is no order of shards; choose another place.")
    for name, value in wanted.items():
        if there.get(name) != value:
            raise WrongOrder(
                f"{location} holds shards of another order: {name} is {str(there.get(name))[:80]!r} there "
                f"and {str(value)[:80]!r} here. Give the same options, the version too, or another place."
            )
