"""What every picture in shards has, as the API is asked for pictures."""

from ganymede.bulk.order import Order
from ganymede.library.orders import Fields


def describe_pictures(order: Order) -> Fields:
    """What every picture of the order has, as a request for the first of them."""
    fields: Fields = {
        "seeds": list(order.seeds.between(0, 1)),
        "truncation": order.truncation,
        "scale": order.scale,
    }
    return fields if order.label is None else fields | {"label": order.label}
