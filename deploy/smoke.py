"""Whether a deployed service generates what its release recorded: `smoke.py URL [MODEL]`."""

import hashlib
import io
import os
import sys
import time
from typing import Any

import httpx
import numpy as np

from foundation.errors import GanymedeError
from foundation.images import Images, hash_images, measure_difference
from foundation.manifest import Manifest
from foundation.store import open_store
from service.releases.golden import is_rounding

READY_LIMIT_S = 300
TRIES, PAUSE_S = 6, 0.2
GATEWAY = (502, 503, 504)
"""What a load balancer says while tasks are exchanged."""


class SmokeFailed(Exception):
    """The service does not do what it should; the message says what."""


def wait_until_ready(client: httpx.Client) -> str:
    """The reference of the default model, as soon as /readyz says 200."""
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        try:
            answer = client.get("/readyz")
        except httpx.TransportError as error:  # a name that is not known yet, a listener that is being made
            said = str(error)
        else:
            if answer.status_code == 200:
                reference: str = answer.json()["model"]
                return reference
            said = f"{answer.status_code}: {answer.text[:300]}"
        time.sleep(2)
    raise SmokeFailed(f"/readyz still answers {said}")


def check_golden_seeds(client: httpx.Client, reference: str) -> None:
    """Generate the release's golden seeds twice and hold their hash against the manifest's."""
    model, _, version = reference.partition("@")
    described: dict[str, Any] = _ask(client, "GET", f"/models/{model}/versions/{version}").json()
    golden = Manifest.model_validate(described).golden
    order = {"model": reference, "seeds": list(golden.seeds), "format": "npy"}
    first, second = (_ask(client, "POST", "/generate", json=order).content for _ in range(2))
    if first != second:
        raise SmokeFailed(f"{reference}: the same seeds gave other bytes the second time")
    images = np.load(io.BytesIO(first), allow_pickle=False)
    if hash_images(images) != golden.sha256 and not _differs_by_rounding(images, described):
        raise SmokeFailed(f"{reference}: the golden seeds do not give the images that the release recorded")


def _differs_by_rounding(images: Images, described: dict[str, Any]) -> bool:
    """Whether `images` are, but for another processor's rounding, those that the store has of the release."""
    manifest = Manifest.model_validate(described)
    if manifest.golden.images is None or manifest.arithmetic == "exact":
        return False
    try:
        recorded = open_store(os.environ.get("GANYMEDE_MODELS", "models")).read(
            manifest, manifest.golden.images
        )
    except GanymedeError:
        return False
    exact = np.load(io.BytesIO(recorded), allow_pickle=False)
    if exact.shape != images.shape or hash_images(exact) != manifest.golden.sha256:
        return False
    return is_rounding(measure_difference(images, exact))


def check_grid(client: httpx.Client) -> None:
    """A grid is a PNG, and the same request gives the same ETag."""
    answers = [_ask(client, "POST", "/generate", json={"seed": 7}) for _ in range(2)]
    if not answers[0].content.startswith(b"\x89PNG"):
        raise SmokeFailed("/generate did not give a PNG")
    if answers[0].headers["etag"] != answers[1].headers["etag"]:
        raise SmokeFailed("/generate gave two ETags for one request")
    digest = hashlib.sha256(answers[0].content).hexdigest()
    sys.stdout.write(f"grid of seed 7: sha256 {digest}\n")


def main() -> None:
    """Check the service at the first argument; GANYMEDE_API_KEY is sent along where it is set.

    GANYMEDE_MODELS is the store that the service reads: what its pictures are compared with where they are
    rounded otherwise.
    """
    key = os.environ.get("GANYMEDE_API_KEY")
    headers = {"X-Api-Key": key} if key else {}
    try:
        with httpx.Client(base_url=sys.argv[1], headers=headers, timeout=30) as client:
            reference = sys.argv[2] if len(sys.argv) > 2 else wait_until_ready(client)
            check_golden_seeds(client, reference)
            check_grid(client)
    except (SmokeFailed, httpx.HTTPError) as error:
        sys.exit(f"smoke test: {error}")
    sys.stdout.write(f"{sys.argv[1]} serves {reference}, and its golden seeds are right\n")


def _ask(client: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    """The answer; a lost connection, and what a load balancer says in between, is asked again a few times."""
    for patience in range(TRIES):
        last = patience == TRIES - 1
        try:
            answer = client.request(method, path, **options)
        except httpx.TransportError:
            if last:
                raise
        else:
            if last or answer.status_code not in GATEWAY:
                break
        time.sleep(PAUSE_S * 2**patience)
    if answer.status_code != 200:
        raise SmokeFailed(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer


if __name__ == "__main__":
    main()
