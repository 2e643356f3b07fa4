"""A graph's file from elsewhere, as it lies there: read within bounds, and nothing in it altered."""

from dataclasses import dataclass
from pathlib import Path

import onnx

from foundation.graphs.file import GraphUnreadable, read_graph_file
from ganymede.imports.graph import ImportRefused


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """The file as ONNX reads it, and the bytes that ONNX Runtime draws from, with the weights beside it."""

    path: Path
    model: onnx.ModelProto
    """With all weights, whether they came from the file or from one beside it."""
    content: bytes
    """The file's own bytes; where weights lay beside it, `model` with them in it."""


def read_file(path: Path) -> ForeignFile:
    """Read a graph with its weights.

    Raises:
        ImportRefused: it is no ONNX graph, or of a version that ONNX Runtime does not read.
        ReleaseRefused: it uses custom operators, or is larger than a release's graph may be.
    """
    try:
        model, content = read_graph_file(path)
    except GraphUnreadable as error:
        raise ImportRefused(str(error)) from error
    return ForeignFile(path, model, content)
