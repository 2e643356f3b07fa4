"""How large the files of a release may be, told from its manifest."""

from foundation.arrays import MAX_HEAD_BYTES
from foundation.errors import ReleaseRefused
from foundation.graphs.content import MAX_GRAPH_BYTES
from foundation.manifest import File, Manifest

MAX_GOLDEN_BYTES = 2**29
"""Of the images that a golden check generates."""


def check_budget(manifest: Manifest, graph: File, *, max_graph_bytes: int = MAX_GRAPH_BYTES) -> None:
    """Refuse by its manifest a release that is too large, before anything of it is read.

    Raises:
        ReleaseRefused: the graph, or the images of its golden check, would be larger than they may be.
    """
    limit_bytes = min(max_graph_bytes, MAX_GRAPH_BYTES)
    if graph.size_bytes > limit_bytes:
        raise ReleaseRefused(
            f"{manifest.reference}: {graph.path} has {graph.size_bytes:,} bytes, and {limit_bytes:,} "
            "are allowed."
        )
    image = manifest.image
    golden_bytes = len(manifest.golden.seeds) * image.height * image.width * image.channels
    if golden_bytes > MAX_GOLDEN_BYTES:
        raise ReleaseRefused(
            f"{manifest.reference}: the golden check makes {golden_bytes:,} bytes of images, "
            f"and {MAX_GOLDEN_BYTES:,} are allowed; record it with fewer seeds."
        )
    recorded = manifest.file(manifest.golden.images) if manifest.golden.images else None
    if recorded is not None and recorded.size_bytes > golden_bytes + MAX_HEAD_BYTES:
        raise ReleaseRefused(
            f"{manifest.reference}: {recorded.path} has {recorded.size_bytes:,} bytes, and the images of the "
            f"golden check {golden_bytes:,}."
        )
