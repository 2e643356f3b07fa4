"""Gradients that are made in ONNX, held against differences of what ONNX Runtime draws."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from foundation.onnx_runtime import onnxruntime
from tests.exact.graphs import feeds_of, linear_end, place_small, residual
from training.errors import ExportError
from training.reverse.distance import build_gradient

ROWS, SIZE = 3, 6
HEADER = '<ir_version: 9, opset_import: ["" : {opset}]>'


def build_generator(body, opset=17, ends="uint8[n, 4, 4, 1] image"):
    """A generator from a latent of six numbers: `body` makes levels float32 (n, 4, 4, 1)."""
    text = f"""{HEADER.format(opset=opset)}
    generator (float[n, 6] latent) => ({ends}) {{
        {body}
        image = Cast <to = 2> (levels)
    }}"""
    model = parser.parse_model(text)
    random = np.random.default_rng(7)
    for name, shape in WEIGHTS.items():
        if any(name in node.input for node in model.graph.node):
            values = random.normal(size=shape)
            values = np.abs(values) + 0.5 if name.startswith("positive") else values
            model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    for name, numbers in NUMBERS.items():
        if any(name in node.input for node in model.graph.node):
            kind = np.float32 if name == "scales" else np.int64
            model.graph.initializer.append(numpy_helper.from_array(np.array(numbers, kind), name))
    return model


WEIGHTS = {
    "dense": (6, 32),
    "turned": (32, 6),
    "few": (6, 8),
    "bias": (32,),
    "kernel": (4, 2, 3, 3),
    "even": (4, 2, 2, 2),
    "narrow": (1, 4, 1, 1),
    "each": (2, 1, 3, 3),
    "spread": (2, 1, 4, 4),
    "odd": (2, 1, 3, 3),
    "scale": (2,),
    "shift": (2,),
    "mean": (2,),
    "positive_variance": (2,),
    "positive_row": (1, 2, 1, 1),
    "final": (1, 2, 1, 1),
}
NUMBERS = {
    "planes": [-1, 2, 4, 4],
    "kernels": [-1, 2, 1, 1],
    "small": [-1, 2, 2, 2],
    "blocks": [-1, 8, 2, 2],
    "flat": [-1, 16],
    "picture": [-1, 4, 4, 1],
    "scales": [1, 1, 2, 2],
    "one": [1],
    "halves": [3, 3],
    "along": [2, 3],
    "around": [0, 0, 1, 2, 0, 0, 1, 0],
    "begin": [-6, 1],
    "finish": [4, 5],
}
BEGIN = "flat_features = MatMul (latent, dense) features = Reshape (flat_features, planes)"
END = "drawn = Conv (last, final) levels = Transpose <perm = [0, 2, 3, 1]> (drawn)"
SMALL = "eight = MatMul (latent, few) features = Reshape (eight, small)"

BODIES = {
    "a convolution that moves by one, of several channels, with bounds put around": f"""{BEGIN}
        wide = Conv <pads = [1, 1, 1, 1]> (features, kernel)
        drawn = Conv (wide, narrow) levels = Transpose <perm = [0, 2, 3, 1]> (drawn)""",
    "a convolution padded by a word, more on one side": f"""{BEGIN}
        wide = Conv <auto_pad = "SAME_UPPER"> (features, even)
        drawn = Conv (wide, narrow) levels = Transpose <perm = [0, 2, 3, 1]> (drawn)""",
    "a convolution that moves by two": f"""{BEGIN}
        wide = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (features, kernel)
        shrunk = Conv (wide, narrow) drawn = Resize <mode = "nearest"> (shrunk, , scales)
        levels = Transpose <perm = [0, 2, 3, 1]> (drawn)""",
    "a convolution of each channel by itself": f"""{BEGIN}
        last = Conv <group = 2, pads = [1, 1, 1, 1]> (features, each) {END}""",
    "a transposed convolution, as DCGANs have it": f"""{SMALL}
        drawn = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1]> (features, spread)
        levels = Transpose <perm = [0, 2, 3, 1]> (drawn)""",
    "a transposed convolution with a row put beside its output": f"""{SMALL}
        drawn = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]> (features, odd)
        levels = Transpose <perm = [0, 2, 3, 1]> (drawn)""",
    "batch normalisation, and a rectifier": f"""{BEGIN}
        normal = BatchNormalization <epsilon = 0.01> (features, scale, shift, mean, positive_variance)
        last = Relu (normal) {END}""",
    "a dense layer the other way round, and a leaky rectifier": f"""
        flat_features = Gemm <transB = 1, alpha = 0.5> (latent, turned, bias)
        features = Reshape (flat_features, planes) last = LeakyRelu <alpha = 0.2> (features) {END}""",
    "what bends": f"""{BEGIN}
        bent = Tanh (features) squashed = Sigmoid (features) last = Mul (bent, squashed) {END}""",
    "quotients, differences and what is broadcast": f"""{BEGIN}
        squared = Mul (features, features) more = Add (squared, positive_row)
        share = Div (features, more) least = Sub (positive_row, share) last = Neg (least) {END}""",
    "the greater and the less of two": f"""{BEGIN}
        high = Max (features, positive_row) low = Min (positive_row, features)
        last = Mul (high, low) {END}""",
    "means over windows, padded by a word": f"""{BEGIN}
        last = AveragePool <kernel_shape = [2, 2], auto_pad = "SAME_UPPER"> (features) {END}""",
    "means over windows that move by two": f"""{BEGIN}
        means = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (features)
        last = Resize <mode = "nearest"> (means, , scales) {END}""",
    "sums, with and without what they keep": f"""{BEGIN}
        kept = ReduceSum <keepdims = 1> (features, along) gone = ReduceSum <keepdims = 0> (features, along)
        wide = Unsqueeze (gone, along) both = Add (kept, wide) last = Mul (features, both) {END}""",
    "means over sides": f"""{BEGIN}
        means = ReduceMean <axes = [1], keepdims = 1> (features) last = Mul (features, means) {END}""",
    "channels to pixels": """eight = MatMul (latent, dense) features = Reshape (eight, blocks)
        last = DepthToSpace <blocksize = 2> (features) """
    + END,
    "channels to pixels, row by row": """eight = MatMul (latent, dense) features = Reshape (eight, blocks)
        last = DepthToSpace <blocksize = 2, mode = "CRD"> (features) """
    + END,
    "parts, of which one leads nowhere": f"""
        first, second = Split <axis = 1> (latent, halves) again = Concat <axis = 1> (first, first)
        flat_features = MatMul (again, dense) last = Reshape (flat_features, planes) {END}""",
    "what is put around, and what is cut off": f"""{BEGIN}
        large = Pad (features, around) last = Slice (large, begin, finish, along) {END}""",
    "bounds": f"""{BEGIN} last = Mul (features, features) drawn = Conv (last, final)
        rows = Transpose <perm = [0, 2, 3, 1]> (drawn) levels = Clip (rows)""",
}


def open_model(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def differ(session, latents, pictures, step=1e-2):
    """The gradients (n, Z) of the distances by central differences: float64."""
    found = np.zeros(latents.shape)
    for column in range(latents.shape[1]):
        ends = []
        for sign in (-1, 1):
            moved = latents.copy()
            moved[:, column] += sign * step
            (distances,) = session.run(["distances"], {"latents": moved, "pictures": pictures})
            ends.append(distances.astype(np.float64))
        found[:, column] = (ends[1] - ends[0]) / (2 * step)
    return found


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_gradients_are_those_of_small_differences(body):
    session = open_model(build_gradient(build_generator(body)))
    random = np.random.default_rng(1)
    latents = random.normal(size=(ROWS, SIZE)).astype(np.float32)
    pictures = random.uniform(-1, 1, (ROWS, 4, 4, 1)).astype(np.float32)
    gradients, _ = session.run(["gradients", "distances"], {"latents": latents, "pictures": pictures})
    expected = differ(session, latents, pictures)
    assert np.abs(gradients - expected).max() <= 0.02 * np.abs(expected).max()
    assert np.abs(gradients).max() > 0


@pytest.mark.parametrize("draw", [residual, linear_end])
def test_an_exact_graph_has_the_gradients_of_the_graph_that_it_was_made_of(draw):
    model = draw()
    feeds = {"latents": feeds_of(model, 8)["latent"]}
    plain = build_gradient(model)
    wanted = next(tensor for tensor in plain.graph.input if tensor.name == "pictures")
    shape = [side.dim_value for side in wanted.type.tensor_type.shape.dim[1:]]
    feeds["pictures"] = np.random.default_rng(1).uniform(-1, 1, (8, *shape)).astype(np.float32)
    (expected,) = open_model(plain).run(["gradients"], feeds)
    (rounded,) = open_model(build_gradient(place_small(model).model)).run(["gradients"], feeds)
    agreement = (expected * rounded).sum() / np.linalg.norm(expected) / np.linalg.norm(rounded)
    assert agreement > 0.95


def test_distances_are_mean_squares_in_units_of_minus_one_to_one():
    session = open_model(build_gradient(build_generator(BODIES["channels to pixels"])))
    latents = np.zeros((1, SIZE), np.float32)  # draws zeros: -1 everywhere
    pictures = np.full((1, 4, 4, 1), 0.5, np.float32)
    (distances,) = session.run(["distances"], {"latents": latents, "pictures": pictures})
    assert distances == pytest.approx([1.5**2])


def test_a_prior_pulls_latents_to_the_middle_and_leaves_the_distances():
    random = np.random.default_rng(1)
    feeds = {
        "latents": random.normal(size=(ROWS, SIZE)).astype(np.float32),
        "pictures": random.uniform(-1, 1, (ROWS, 4, 4, 1)).astype(np.float32),
    }
    body = BODIES["what bends"]
    plain, far = open_model(build_gradient(build_generator(body))).run(["gradients", "distances"], feeds)
    pulled, same = open_model(build_gradient(build_generator(body), 0.3)).run(
        ["gradients", "distances"], feeds
    )
    np.testing.assert_allclose(pulled - plain, 2 * 0.3 / SIZE * feeds["latents"], rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(far, same)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"{BEGIN} last = Sin (features) {END}", "Sin .*: such operators have no gradient here"),
        (f"{BEGIN} last = Conv (features, learnt) {END}", "its weights are no constants"),
        (f"{BEGIN} signs = Sign (features) last = Neg (signs) {END}", "does not follow its input latents"),
    ],
)
def test_what_has_no_gradient_is_named(body, words):
    body = body.replace("last = Conv", "learnt = Reshape (features, kernels) last = Conv")
    with pytest.raises(ExportError, match=words):
        build_gradient(build_generator(body))


def test_a_graph_that_does_not_end_with_bytes_or_is_too_old_is_refused():
    model = build_generator(f"{BEGIN} last = Identity (features) {END}")
    node = next(node for node in model.graph.node if node.op_type == "Cast")
    node.attribute[0].i = TensorProto.INT32
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT32
    with pytest.raises(ExportError, match="does not end with a cast to uint8"):
        build_gradient(model)
    with pytest.raises(ExportError, match="of opset 12"):
        build_gradient(build_generator(f"{BEGIN} last = Identity (features) {END}", opset=12))


def test_names_of_the_generator_do_not_come_in_the_way():
    body = f"{BEGIN} gradients = Tanh (features) back_1 = Neg (gradients) last = Neg (back_1) {END}"
    model = build_gradient(build_generator(body))
    onnx.checker.check_model(model, full_check=True)
    assert {tensor.name for tensor in model.graph.output} == {"gradients", "distances"}
    assert helper.tensor_dtype_to_np_dtype(model.graph.output[0].type.tensor_type.elem_type) == np.float32
