"""What of a request shapes its pictures, how their provenance says it, and how they lie in a file."""

from collections.abc import Sequence

from foundation.labels import Weights, name_labels
from foundation.manifest import Described
from service.encoding.pictures import Layout
from service.encoding.provenance import Provenance
from service.requests.schemas import GenerateRequest, WalkRequest

_WAYS = {"frames", "interpolation", "loop", "easing"}


def describe_recipe(request: GenerateRequest | WalkRequest) -> dict[str, object]:
    """What of `request` shapes its images beside seeds, classes and truncation, as its JSON has it."""
    recipe: dict[str, object] = {}
    if isinstance(request, WalkRequest):
        recipe["walk"] = request.model_dump(mode="json", include=_WAYS)
    elif request.mix is not None:
        recipe["mix"] = [part.model_dump(exclude_none=True, exclude={"latent"}) for part in request.mix]
    if request.directions:
        recipe["directions"] = request.directions
    return recipe


def describe_provenance(
    manifest: Described,
    request: GenerateRequest | WalkRequest,
    seeds: Sequence[int] | None,
    labels: Weights | None,
) -> Provenance:
    """How images of `request` and `seeds` come about; `labels` float32 (n, classes) weigh their classes."""
    classes = manifest.label
    names = None if classes is None or labels is None else name_labels(labels, classes)
    return Provenance(manifest.reference, seeds, names, request.truncation, describe_recipe(request))


def read_layout(request: GenerateRequest) -> Layout:
    """How the pictures of `request` lie in its file."""
    return Layout(request.columns, request.padding, request.scale)
