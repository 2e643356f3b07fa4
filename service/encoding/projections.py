"""The answer to a request for projections in JSON."""

from collections.abc import Sequence

import orjson

from foundation.images import Images
from service.encoding.pictures import enlarge, list_entries
from service.encoding.provenance import Provenance


def encode_projection(
    images: Images,
    provenance: Provenance,
    *,
    scale: int,
    steps: int,
    latents: Sequence[Sequence[float]],
    distances: Sequence[float],
    classes: Sequence[str] | None,
    labels: Sequence[Sequence[float]] | None,
) -> bytes:
    """JSON: the model, its classes if any, and of each image its latent, its weights, distance and PNG.

    Images are uint8 (n, h, w, c), their PNGs `scale` times as large; latents have z numbers each, labels a
    weight for each class.
    """
    entries = [
        {
            "latent": latent,
            **({} if labels is None else {"label": labels[index]}),
            "distance": distance,
            "png": entry["png"],
        }
        for index, (entry, latent, distance) in enumerate(
            zip(list_entries(enlarge(images, scale), provenance), latents, distances, strict=True)
        )
    ]
    named = {} if classes is None else {"classes": classes}
    return orjson.dumps({"model": provenance.model, "steps": steps, **named, "images": entries})
