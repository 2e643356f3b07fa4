"""The Open Inference Protocol, version 2: reading a request's tensors, writing the answer's.

KServe, "Predict Protocol, Version 2" (REST), with Triton's "Binary tensor data" extension: the JSON object,
as long as `Inference-Header-Content-Length` says, and after it the tensors' bytes in the order of the JSON.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from foundation.errors import InvalidField, MalformedRequest
from foundation.images import Images
from foundation.manifest import Manifest
from service.http.bodies import parse_body

JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
EXTENSIONS = ("binary_tensor_data",)

Dimension = Annotated[StrictInt, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(max_length=200)]
_NULL_IS_EMPTY = BeforeValidator(lambda value: {} if value is None else value)
_NULL_IS_NONE_AT_ALL = BeforeValidator(lambda value: [] if value is None else value)


def _describe_null(schema: dict[str, Any]) -> None:
    """Say in a field's JSON schema that null is taken too."""
    kept = {name: schema.pop(name) for name in list(schema)}
    schema["anyOf"] = [kept, {"type": "null"}]


class _Parameters(BaseModel):
    """The protocol leaves parameters open: those that mean nothing here are let pass.

    KServe's clients write null for whatever is optional and not there; it means the same as nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    shared_memory_region: Any = None


class InputParameters(_Parameters):
    """Of an input tensor."""

    binary_data_size: Dimension | None = None


class OutputParameters(_Parameters):
    """Of an output tensor."""

    binary_data: StrictBool | None = None
    classification: Any = None


class RequestParameters(_Parameters):
    """Of a request."""

    binary_data_output: StrictBool | None = None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestInput(_Part):
    """An input tensor: `data` in JSON, or `binary_data_size` bytes after it."""

    name: Name
    shape: tuple[Dimension, ...] = Field(max_length=8, fail_fast=True)
    datatype: Name
    parameters: Annotated[InputParameters, Field(json_schema_extra=_describe_null), _NULL_IS_EMPTY] = (
        InputParameters()
    )
    data: list[Any] | None = None


class RequestOutput(_Part):
    """An output tensor that is asked for."""

    name: Name
    parameters: Annotated[OutputParameters, Field(json_schema_extra=_describe_null), _NULL_IS_EMPTY] = (
        OutputParameters()
    )


class InferenceRequest(_Part):
    """The protocol's `$inference_request`."""

    id: str | None = Field(default=None, max_length=1000)
    model_name: Name | None = None
    """Some clients repeat it; the address says which model is meant."""
    model_version: Name | None = None
    parameters: Annotated[RequestParameters, Field(json_schema_extra=_describe_null), _NULL_IS_EMPTY] = (
        RequestParameters()
    )
    inputs: tuple[RequestInput, ...] = Field(min_length=1, max_length=8, fail_fast=True)
    outputs: Annotated[
        tuple[RequestOutput, ...],
        Field(max_length=8, fail_fast=True, json_schema_extra=_describe_null),
        _NULL_IS_NONE_AT_ALL,
    ] = ()


@dataclass(frozen=True, slots=True)
class Inference:
    """A request with its binary tensors: bytes for each input that sends them, by the input's index."""

    request: InferenceRequest
    binary: dict[int, memoryview]

    @property
    def binary_output(self) -> bool:
        """Whether the image is to be sent as bytes and not in JSON."""
        for output in self.request.outputs:
            if output.parameters.binary_data is not None:
                return output.parameters.binary_data
        return bool(self.request.parameters.binary_data_output)


def parse_inference(content: bytes, json_length: str | None, *, max_images: int | None = None) -> Inference:
    """Take a body apart into its JSON, of `json_length` bytes (all of it without), and its binary tensors.

    Raises:
        MalformedRequest: the lengths do not fit the body, or its JSON is none.
        InvalidField: a field is unknown, or breaks its limit.
    """
    length = len(content) if json_length is None else _read_length(json_length, len(content))
    request = parse_body(content[:length], InferenceRequest, max_images=max_images)
    sizes = {
        index: part.parameters.binary_data_size
        for index, part in enumerate(request.inputs)
        if part.parameters.binary_data_size is not None
    }
    announced, present = sum(sizes.values()), len(content) - length
    if announced != present:
        hint = f" Send {JSON_LENGTH_HEADER} with the length of the JSON." if json_length is None else ""
        raise MalformedRequest(
            f"The inputs announce {announced:,} bytes of binary data, "
            f"after the JSON there are {present:,}.{hint}"
        )
    rest, binary = memoryview(content)[length:], {}
    for index, size in sizes.items():
        binary[index], rest = rest[:size], rest[size:]
    return Inference(request, binary)


def check_outputs(request: InferenceRequest, manifest: Manifest) -> None:
    """Hold the outputs that are asked for against those there are: `image`, once, as a tensor.

    Raises:
        InvalidField: another output, the same one twice, or one in a way that is not offered.
    """
    for index, output in enumerate(request.outputs):
        field = f"outputs.{index}"
        if output.name != "image" or index > 0:
            raise InvalidField(
                f"{field}.name", f"{manifest.reference} has one output, 'image'; ask for it once"
            )
        for name in ("shared_memory_region", "classification"):
            if getattr(output.parameters, name) is not None:
                raise InvalidField(f"{field}.parameters.{name}", "this extension is not offered here")


def write_head(inference: Inference, manifest: Manifest, count: int) -> dict[str, Any]:
    """The `$inference_response` of `count` images without their data."""
    image = manifest.image
    shape = [count, image.height, image.width, image.channels]
    output: dict[str, Any] = {"name": "image", "datatype": "UINT8", "shape": shape}
    if inference.binary_output:
        output["parameters"] = {"binary_data_size": count * image.height * image.width * image.channels}
    head: dict[str, Any] = {"model_name": manifest.name, "model_version": manifest.version}
    if inference.request.id is not None:
        head["id"] = inference.request.id
    return {**head, "outputs": [output]}


def write_json(head: dict[str, Any], images: Images) -> bytes:
    """The response with its images (n, h, w, c) as a flat list of numbers."""
    output = {**head["outputs"][0], "data": images.reshape(-1)}
    return orjson.dumps({**head, "outputs": [output]}, option=orjson.OPT_SERIALIZE_NUMPY)


def describe_model(
    manifest: Manifest, versions: list[str], *, same_bytes_here: bool | None
) -> dict[str, Any]:
    """The protocol's `$metadata_model_response`; -1 is the free number of images.

    Its `parameters`, a member that MLServer's answer has too, are the arithmetic and, where the model is
    loaded, whether this machine gives the recorded bytes.
    """
    parameters: dict[str, str | bool] = {"arithmetic": manifest.arithmetic}
    if same_bytes_here is not None:
        parameters["same_bytes_here"] = same_bytes_here
    image = manifest.image
    inputs = [{"name": "latent", "datatype": "FP32", "shape": [-1, manifest.latent.size]}]
    if manifest.label is not None:
        inputs.append({"name": "label", "datatype": "FP32", "shape": [-1, len(manifest.label.classes)]})
    shape = [-1, image.height, image.width, image.channels]
    return {
        "name": manifest.name,
        "versions": versions,
        "platform": "onnxruntime_onnx",
        "inputs": inputs,
        "outputs": [{"name": "image", "datatype": "UINT8", "shape": shape}],
        "parameters": parameters,
    }


def _read_length(text: str, size: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= size):
        raise MalformedRequest(
            f"{JSON_LENGTH_HEADER}: {text[:40]!r} is not a number of bytes up to the body's {size:,}."
        )
    return int(text)
