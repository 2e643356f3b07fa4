"""What shards are asked for by from a program, beside a model, seeds and a place."""

from typing import TypedDict

from ganymede.bulk.order import Order, ShardFormat
from ganymede.bulk.seeds import Seeds
from ganymede.library.orders import Fields


class ShardFields(TypedDict, total=False):
    """As the command has them; what is left out is as it is there."""

    format: ShardFormat
    shard_images: int
    label: str | None
    truncation: float
    scale: int
    process: int
    processes: int


def read_shard_order(seeds: str, asked: ShardFields) -> tuple[Order, int, int]:
    """The order, which process this is, and of how many.

    Raises:
        WrongOrder: it is none that can be made.
    """
    order = Order(
        Seeds(seeds),
        asked.get("format", "tar"),
        asked.get("shard_images", 10_000),
        asked.get("label"),
        asked.get("truncation", 1.0),
        asked.get("scale", 1),
    )
    index, processes = asked.get("process", 0), asked.get("processes", 1)
    order.check_process(index, processes)
    return order, index, processes


def describe_pictures(order: Order) -> Fields:
    """What every picture of the order has, as a request for the first of them."""
    fields: Fields = {
        "seeds": list(order.seeds.between(0, 1)),
        "truncation": order.truncation,
        "scale": order.scale,
    }
    return fields if order.label is None else fields | {"label": order.label}
