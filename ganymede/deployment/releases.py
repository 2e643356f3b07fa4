"""The models of a deployment: that they are there and whole, and their way into its bucket."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from foundation.store import Sent, Store, open_store, parse_reference, promote, resolve_version
from foundation.store.copying import copy_version, fetch_release
from ganymede.deployment.wishes import MODEL_PREFIX, Wishes
from ganymede.opening import open_models

Say = Callable[[str], None]


def resolve_models(wishes: Wishes) -> list[tuple[str, str]]:
    """Model and version of each that shall be served.

    Raises:
        ModelNotFound: there is no such model, alias or version.
        StoreError: the store is none, or does not answer.
    """
    store = open_models(wishes.store)
    return [_resolve(store, model) for model in wishes.models]


def check_whole(wishes: Wishes) -> None:
    """Read every file of every model once, against its size and sum.

    Raises:
        ReleaseRefused: one is missing, cut off or altered; the message names it.
        StoreError: as `resolve_models`.
    """
    store = open_models(wishes.store)
    for model, version in resolve_models(wishes):
        with tempfile.TemporaryDirectory() as folder:
            fetch_release(store, store.manifest(model, version), Path(folder))


def copy_models(wishes: Wishes, bucket: str, say: Say, sent: Sent | None = None) -> str:
    """Carry the models into the deployment's bucket and let production be what was asked for.

    Returns MODEL@VERSION of the first, which is what SageMaker's endpoints serve.
    """
    source = open_models(wishes.store)
    references = resolve_models(wishes)
    os.environ["AWS_REGION"] = wishes.region  # where the bucket is
    target = open_store(f"s3://{bucket}/{MODEL_PREFIX}", sent=sent)
    for model, version in references:
        fresh = copy_version(source, target, model, version)
        promote(target, model, version)
        say(f"{model}@{version} {'is in the bucket now' if fresh else 'was in the bucket already'}.")
    return "@".join(references[0])


def _resolve(store: Store, text: str) -> tuple[str, str]:
    reference = parse_reference(text)
    return reference.model, resolve_version(store, reference)
