"""A graph in a file of its own, with its weights in it or beside it."""

import stat
from pathlib import Path

import onnx

from foundation.errors import GanymedeError, ReleaseRefused
from foundation.graphs.content import MAX_GRAPH_BYTES, all_tensors, check_graph
from foundation.graphs.other_kinds import begins_otherwise, explain_folder, explain_kind
from foundation.graphs.parts import NoGraph, check_wire


class GraphUnreadable(GanymedeError):
    """A file that cannot be read as a graph; the message says why."""

    code = "graph-unreadable"


def read_graph_file(path: Path) -> tuple[onnx.ModelProto, bytes]:
    """Read a graph with its weights: the model, and the file's own bytes.

    Where weights lie beside the file, the bytes are those of the model with them in it.

    Raises:
        GraphUnreadable: it is no ONNX graph, or of a version that ONNX Runtime does not read.
        ReleaseRefused: it uses custom operators, or is larger than a release's graph may be.
    """
    content = _read_content(path)
    model = _parse(path, content)
    if any(map(onnx.external_data_helper.uses_external_data, all_tensors(model))):
        content = _gather_weights(path, model)
    check_graph(content, path.name, "the graph")
    return model, content


def _read_content(path: Path) -> bytes:
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise GraphUnreadable(explain_folder(path))
        if not stat.S_ISREG(state.st_mode):
            raise GraphUnreadable(f"{path} cannot be read: it is no file, but a pipe, socket or device.")
        if state.st_size > MAX_GRAPH_BYTES:
            raise GraphUnreadable(f"{path} has {state.st_size:,} bytes, and {MAX_GRAPH_BYTES:,} are allowed.")
        content = path.read_bytes()
    except OSError as error:
        raise GraphUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a zero byte, or what the file system's encoding lacks
        raise GraphUnreadable(f"{str(path)!a} cannot be read: no file can have this name.") from error
    if not content:
        raise GraphUnreadable(f"{path} is empty; the export did not finish.")
    return content


def _parse(path: Path, content: bytes) -> onnx.ModelProto:
    if begins_otherwise(content):
        raise GraphUnreadable(explain_kind(path, content))
    try:
        check_wire(content, path.name, "the graph")
        model = onnx.load_model_from_string(content)
    except NoGraph as error:
        raise GraphUnreadable(explain_kind(path, content)) from error
    except ReleaseRefused:
        raise
    except Exception as error:  # protobuf's errors depend on which of its implementations is in use
        raise GraphUnreadable(explain_kind(path, content)) from error
    if not model.graph.node:
        if model.ir_version:
            raise GraphUnreadable(f"{path} cannot be read as an ONNX graph: it has no operators.")
        raise GraphUnreadable(explain_kind(path, content))
    return model


def _gather_weights(path: Path, model: onnx.ModelProto) -> bytes:
    """Bring in the weights that lie beside the file; ONNX lets them lie nowhere else."""
    beside_bytes = sum(_find_length(path, tensor) for tensor in all_tensors(model))
    if beside_bytes > MAX_GRAPH_BYTES:
        raise GraphUnreadable(
            f"{path} has {beside_bytes:,} bytes of weights beside it; {MAX_GRAPH_BYTES:,} are allowed."
        )
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
        return bytes(model.SerializeToString())
    except Exception as error:  # ONNX's, protobuf's and the system's errors alike
        raise GraphUnreadable(
            f"{path} cannot be read as an ONNX graph: of its weights in another file, {str(error)[:300]}"
        ) from error


def _find_length(path: Path, tensor: onnx.TensorProto) -> int:
    """How many bytes of a file beside this one a tensor takes: all, unless it says how many."""
    entries: dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    if "location" not in entries:
        return 0
    try:
        size_bytes: int = (path.parent / entries["location"]).stat().st_size
    except (OSError, ValueError):
        raise GraphUnreadable(
            f"{path} cannot be read as an ONNX graph: its weights are in {entries['location'][:100]!r}, "
            "which does not lie beside it; copy that file too."
        ) from None
    length = entries.get("length", "")
    return min(size_bytes, int(length)) if length.isdecimal() and len(length) < 20 else size_bytes
