"""Releases to publish in tests: small files of given content, or a tiny real generator."""

import hashlib
import tempfile
from pathlib import Path

from foundation.manifest import File, GoldenCheck, ImageOutput, LatentInput, Manifest, created_now
from foundation.store import Store, describe_file


def describe_release(
    folder: Path, contents: dict[str, bytes], *, name: str = "grey", version: str = "v1"
) -> tuple[Manifest, dict[str, Path]]:
    """Write files of `contents` into `folder`; return a manifest for them and where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {path: folder / path for path in contents}
    for path, content in contents.items():
        files[path].write_bytes(content)
    manifest = Manifest(
        name=name,
        version=version,
        created_at=created_now(),
        licence="Apache-2.0",
        latent=LatentInput(size=6),
        image=ImageOutput(height=8, width=8, channels=1),
        files=tuple(describe_file(path) for path in files.values()),
        golden=GoldenCheck(seeds=(0,), scheme="philox-1", sha256="0" * 64),
    )
    return manifest, files


def publish_bytes(store: Store, *, name: str = "grey", version: str = "v1", content: bytes = b"") -> Manifest:
    """Publish a release whose graph is not one: enough for tests that open none."""
    with tempfile.TemporaryDirectory() as folder:
        graph = content or f"{name} {version}".encode()
        manifest, files = describe_release(
            Path(folder), {"generator.onnx": graph, "metrics.json": b"{}"}, name=name, version=version
        )
        store.publish(manifest, files)
    return manifest


def entry(path: str, content: bytes) -> File:
    """The manifest entry of `content` at `path`."""
    return File(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
