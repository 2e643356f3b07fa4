"""What of a request shapes its pictures beside seeds, classes and truncation."""

from service.requests.schemas import GenerateRequest, WalkRequest

_WAYS = {"frames", "interpolation", "loop", "easing"}


def describe_recipe(request: GenerateRequest | WalkRequest) -> dict[str, object]:
    """What of `request` shapes its images beside seeds, classes and truncation, as its JSON has it."""
    if isinstance(request, WalkRequest):
        return {"walk": request.model_dump(mode="json", include=_WAYS)}
    recipe: dict[str, object] = {}
    if request.mix is not None:
        recipe["mix"] = [part.model_dump() for part in request.mix]
    if request.directions:
        recipe["directions"] = request.directions
    return recipe
