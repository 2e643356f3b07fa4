"""What the page asks for first, told with its document: the list of models, and what the one shown is."""

import asyncio

from pydantic_core import to_json

from foundation.errors import GanymedeError
from service.endpoints.context import Context
from service.endpoints.models import describe_version, list_models
from service.releases.opening import Release

LIMIT_S = 0.5
"""A store that takes longer is waited for by the page, which can say so, and not by its document."""


async def tell_beginning(context: Context, model: str) -> bytes | None:
    """JSON of `catalog`, as `/models` has it, and of the `version` in memory that the page will show.

    That is `model`, as `NAME@VERSION`, or else the default. None where the store does not say it at once.
    """
    release = _find_shown(context, model)
    try:
        async with asyncio.timeout(LIMIT_S):
            catalog = await list_models(context)
            told = {"catalog": catalog}
            if release is not None:
                manifest = release.manifest
                described = await describe_version(manifest.name, manifest.version, context)
                told["version"] = described.model_dump(mode="json")
    except (GanymedeError, TimeoutError):
        return None
    return to_json(told, inf_nan_mode="null")  # a manifest may hold any number; a browser knows no NaN


def _find_shown(context: Context, model: str) -> Release | None:
    name, _, version = model.partition("@")
    return context.releases.residents.held().get((name, version)) or context.releases.default
