"""One process's part of an order, from the first shard to the list of all, for command and library."""

from collections.abc import Callable
from dataclasses import dataclass

from ganymede.bulk.order import Order
from ganymede.bulk.targets import open_target
from ganymede.bulk.work import Made, Work
from service.releases.opening import Release
from service.requests.schemas import GenerateRequest


@dataclass(frozen=True, slots=True)
class Shards:
    """What one process made of an order."""

    location: str
    model: str
    """What drew them: `NAME@VERSION`."""
    made: int
    found: int
    """Those that were there already, whole."""
    size_bytes: int
    """Of both together."""
    is_complete: bool
    """Whether all shards of the order are there, other processes' too, and manifest.json lists them."""


def make_shards(
    release: Release,
    request: GenerateRequest,
    order: Order,
    uri: str,
    *,
    index: int,
    processes: int,
    drawn: Callable[[int], None] = lambda _: None,
    seen: Callable[[Made], None] = lambda _: None,
) -> Shards:
    """Make the shards of process `index` of `processes` at `uri`, a folder or s3://bucket/prefix.

    `request` has the label, the truncation and the scale of every picture; `drawn` is told of pictures as
    they come, and `seen` of each shard.

    Raises:
        WrongOrder: shards of another order lie there.
        InvalidField: the model takes no such label.
        StoreError: the place refuses something.
        ReleaseRefused: the graph cannot be run.
    """
    target = open_target(uri)
    work = Work(release, request, order, target)
    made = found = size_bytes = 0
    for shard in work.run(index, processes, drawn):
        made, found = made + (not shard.found), found + shard.found
        size_bytes += shard.size_bytes
        seen(shard)
    return Shards(
        target.location, release.manifest.reference, made, found, size_bytes, is_complete=work.gather()
    )
