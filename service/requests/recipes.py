"""What of a request shapes its pictures beside seeds, classes and truncation."""

from service.requests.schemas import GenerateRequest, WalkRequest

_WAYS = {"frames", "interpolation", "loop", "easing"}


def describe_recipe(order: GenerateRequest | WalkRequest) -> dict[str, object]:
    """What of `order` shapes its images beside seeds, classes and truncation, as its JSON has it."""
    if isinstance(order, WalkRequest):
        return {"walk": order.model_dump(mode="json", include=_WAYS)}
    recipe: dict[str, object] = {}
    if order.mix is not None:
        recipe["mix"] = [part.model_dump() for part in order.mix]
    if order.directions:
        recipe["directions"] = order.directions
    return recipe
