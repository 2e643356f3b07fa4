"""What a manifest says of a projection, the two graphs that it stands for, and the descent between them."""

import json

import numpy as np
import onnx
import pytest
from onnx import parser
from pydantic import ValidationError

from foundation.curvature import MAX_LATENT_SIZE, Curvature, measure_curvature
from foundation.descent import Descent
from foundation.errors import ReleaseRefused
from foundation.graphs.projection import check_projection
from foundation.manifest import Manifest
from foundation.projection import LBFGS, Projection
from foundation.store import FolderStore
from tests.tiny_models import TinyModel, publish_tiny_model

HEADER = '<ir_version: 9, opset_import: ["" : 17]>'
ENCODER = """encoder (float[n, 8, 8, 1] pictures) => (float[n, 6] latents) {
    corner = Constant <value = int64[2] {-1, 64}> ()
    flat = Reshape (pictures, corner)
    first = Constant <value = int64[1] {0}> ()
    last = Constant <value = int64[1] {6}> ()
    axis = Constant <value = int64[1] {1}> ()
    latents = Slice (flat, first, last, axis)
}"""
GRADIENT = """gradient (float[n, 6] latents, float[n, 8, 8, 1] pictures)
    => (float[n, 6] gradients, float[n] distances) {
    axis = Constant <value = int64[1] {1}> ()
    gradients = Neg (latents)
    distances = ReduceSum <keepdims = 0> (latents, axis)
}"""


def write_graph(text):
    return parser.parse_model(f"{HEADER} {text}").SerializeToString()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def manifest(folder):
    """A release without a projection, of pictures of 8x8 and six numbers."""
    return publish_tiny_model(folder, TinyModel())


def read_with(manifest, projection, *files):
    content = manifest.model_dump(mode="json") | {"projection": projection}
    content["files"] += [{"path": path, "size_bytes": 1, "sha256": "0" * 64} for path in files]
    return Manifest.model_validate_json(json.dumps(content))


def test_a_projection_comes_back_from_a_store_and_nothing_is_said_without(manifest, folder):
    assert manifest.projection is None
    assert "projection" not in json.loads(FolderStore(folder).manifest_text("grey", "v1"))
    said = {"steps": 16, "rate": 0.1, "figures": {"reconstruction_pixels_refined": 0.03}, "later": 1}
    found = read_with(manifest, said, "encoder.onnx", "gradient.onnx").projection
    assert (found.steps, found.rate, found.prior) == (16, 0.1, 0.0)
    assert found.figures == {"reconstruction_pixels_refined": 0.03}


@pytest.mark.parametrize(
    ("said", "files", "words"),
    [
        ({"steps": 16, "rate": 0.1}, ["encoder.onnx"], "projection needs gradient.onnx, which files lacks"),
        ({"steps": 16, "rate": 0.1}, ["gradient.onnx"], "projection needs encoder.onnx, which files lacks"),
        ({"steps": 1001, "rate": 0.1}, ["encoder.onnx", "gradient.onnx"], "projection.steps"),
        ({"steps": 16, "rate": 0}, ["encoder.onnx", "gradient.onnx"], "projection.rate"),
        ({"steps": 16, "rate": 11}, ["encoder.onnx", "gradient.onnx"], "projection.rate"),
        ({"steps": 1, "rate": 1, "figures": {"<b>": 1}}, ["encoder.onnx", "gradient.onnx"], "figures"),
        ({"steps": 1, "rate": 1, "prior": 2}, ["encoder.onnx", "gradient.onnx"], "projection.prior"),
    ],
)
def test_a_projection_without_its_files_or_beyond_its_bounds_is_refused(manifest, said, files, words):
    with pytest.raises(ValidationError, match=words):
        read_with(manifest, said, *files)


def test_figures_are_few_and_numbers(manifest):
    for figures in ({f"figure_{number}": 1.0 for number in range(101)}, {"far": float("inf")}):
        with pytest.raises(ValidationError):
            Projection(steps=1, rate=0.1, figures=figures)


def test_both_graphs_are_looked_through_and_their_tensors_must_be_the_manifests(manifest):
    encoder, gradient = write_graph(ENCODER), write_graph(GRADIENT)
    check_projection(manifest, encoder, gradient)
    for wrong, words in (
        ((gradient, gradient), r"encoder.onnx: its inputs are \['latents', 'pictures'\], not \['pictures'\]"),
        ((encoder, encoder), "gradient.onnx: its inputs are"),
        ((b"no graph", gradient), "encoder.onnx is not an ONNX graph"),
        ((write_graph(ENCODER.replace("n, 8, 8, 1", "n, 8, 16, 1")), gradient), "have 'pictures' otherwise"),
        ((write_graph(ENCODER.replace("n, 8, 8, 1", "2, 8, 8, 1")), gradient), "have 'pictures' otherwise"),
        ((encoder, write_graph(GRADIENT.replace("float[n] ", "float[n, 2] "))), "have 'distances' otherwise"),
    ):
        with pytest.raises(ReleaseRefused, match=words):
            check_projection(manifest, *wrong)


def test_a_graph_whose_memory_follows_a_picture_is_refused(manifest):
    hungry = ENCODER.replace(
        "latents = Slice (flat, first, last, axis)",
        """few = Slice (flat, first, last, axis)
        greatest = ReduceMax <keepdims = 0> (flat)
        shape = Constant <value = int64[1] {1}> ()
        many = Cast <to = 7> (greatest)
        row = Reshape (many, shape)
        room = ConstantOfShape (row)
        total = ReduceMax <keepdims = 0> (room)
        latents = Add (few, total)""",
    )
    with pytest.raises(ReleaseRefused, match=r"encoder.onnx: the size of what ConstantOfShape"):
        check_projection(manifest, write_graph(hungry), write_graph(GRADIENT))


@pytest.mark.parametrize("nested", [False, True])
def test_a_graph_that_draws_random_numbers_of_its_own_is_refused(manifest, nested):
    noise = "noise = RandomNormalLike (few)"
    if nested:
        noise = """yes = Constant <value = bool {1}> ()
        noise = If (yes) <
            then_branch = one () => (float[n, 6] a) { a = RandomUniformLike (few) },
            else_branch = other () => (float[n, 6] b) { b = Identity (few) }>"""
    noisy = ENCODER.replace(
        "latents = Slice (flat, first, last, axis)",
        f"few = Slice (flat, first, last, axis)\n{noise}\nlatents = Add (few, noise)",
    )
    operator = "RandomUniformLike" if nested else "RandomNormalLike"
    words = f"encoder.onnx draws random numbers of its own, by {operator}"
    with pytest.raises(ReleaseRefused, match=words):
        check_projection(manifest, write_graph(noisy), write_graph(GRADIENT))


def test_a_descent_finds_the_least_of_a_bowl_and_keeps_the_nearest_it_saw():
    wanted = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    descent = Descent(np.zeros((4, 6), np.float32), 0.5)
    seen = []
    for _ in range(60):
        difference = descent.latents - wanted
        asked = (difference**2).sum(1).astype(np.float32)
        seen.append(asked)
        descent.take(2 * difference, asked)
    np.testing.assert_array_equal(descent.distances, np.min(seen, axis=0))
    assert (descent.distances < 0.01 * seen[0]).all()


def test_where_the_curvature_is_known_a_descent_is_near_in_a_fraction_of_the_steps():
    scales = np.geomspace(0.03, 3.0, 8).astype(np.float32)

    def draw(latents, labels):
        assert labels.shape == (len(latents), 2)
        return np.round(127.5 + 20 * scales * latents).clip(0, 255).astype(np.uint8)[:, None, :, None]

    def differentiate(latents, _, pictures):
        return 2 * scales * (scales * latents - 6.375 * pictures[:, 0, :, 0]) / len(scales)

    known = measure_curvature(draw, differentiate, size=8, classes=2, pixels=8)
    far = measure_curvature(draw, differentiate, size=8, classes=2, pixels=2**20)
    assert far is None
    assert measure_curvature(draw, differentiate, size=MAX_LATENT_SIZE + 1, classes=2, pixels=1) is None
    steepest = np.linalg.eigvalsh(known.inverse)[0]
    assert steepest == pytest.approx(1 / (1.02 * 2 * scales[-1] ** 2 / len(scales)), rel=0.1)
    nearest = []
    for curvature in (None, known):
        descent = Descent(np.full((3, 8), 0.5, np.float32), 0.05, curvature)
        for _ in range(6):
            slopes = scales * descent.latents
            descent.take(
                (2 * scales * slopes / len(scales)).astype(np.float32), np.square(slopes).mean(1, np.float32)
            )
        nearest.append(descent.distances)
    assert (nearest[1] < 0.1 * nearest[0]).all()


def test_a_longer_latent_is_not_kept_for_a_nearer_picture_than_the_prior_is_worth():
    descent = Descent(np.zeros((1, 4), np.float32), 0.1, prior=1.0)
    descent.take(np.full((1, 4), -1.0, np.float32), np.array([0.5], np.float32))
    first = descent.latents.copy()
    descent.take(np.full((1, 4), -1.0, np.float32), np.array([0.499], np.float32))
    assert (descent.latents < first).all()


def test_what_a_release_says_of_adam_is_half_as_many_steps_now():
    assert Projection(steps=15, rate=0.1).steps_taken == 8
    assert Projection(steps=15, rate=0.1, optimizer=LBFGS).steps_taken == 15


def test_a_row_descends_the_same_alone_and_beside_others():
    random = np.random.default_rng(1)
    known = Curvature(np.diag(random.uniform(0.5, 2.0, 6)))
    start = random.normal(size=(5, 6)).astype(np.float32)
    gradients = random.normal(size=(8, 5, 6)).astype(np.float32)
    distances = random.uniform(size=(8, 5)).astype(np.float32)
    together, alone = Descent(start, 0.1, known), Descent(start[2:3], 0.1, known)
    for step in range(8):
        together.take(gradients[step], distances[step])
        alone.take(gradients[step, 2:3], distances[step, 2:3])
    assert together.best.dtype == np.float32
    np.testing.assert_array_equal(together.best[2:3], alone.best)
    np.testing.assert_array_equal(together.latents[2:3], alone.latents)


def test_a_distance_that_is_no_number_is_never_the_nearest():
    descent = Descent(np.zeros((1, 2), np.float32), 0.1)
    descent.take(np.ones((1, 2), np.float32), np.array([0.5], np.float32))
    descent.take(np.full((1, 2), np.nan, np.float32), np.array([np.nan], np.float32))
    np.testing.assert_array_equal(descent.best, np.zeros((1, 2), np.float32))
    assert descent.distances == 0.5


def test_the_graphs_of_these_tests_are_graphs():
    for text in (ENCODER, GRADIENT):
        onnx.checker.check_model(onnx.load_model_from_string(write_graph(text)), full_check=True)
