"""The feature space of Fashion-MNIST: a small classifier, trained on the set itself, as an ONNX graph.

`python -m training.evaluation.classifier FOLDER OUT.onnx` trains it from nothing. No package ships
weights for 28x28 grey pictures, and a network for photographs sees little in them.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from keras import layers

from training.data import FASHION_MNIST_FOLDER, Pictures, load_pictures
from training.evaluation.features import FEATURES, LOGITS
from training.export.graph import IMAGE, OPSET

BATCH_SIZE = 128
LEARNING_RATE = 2e-3
MARGIN = 2
"""How far, in pixels, a training picture is shifted at most."""


def build_classifier(classes: int, seed: int) -> keras.Model:
    """Build the network from images float32 (n, 28, 28, 1) in 0 to 255 to features (n, 128) and logits."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((28, 28, 1), name=IMAGE)
    features = layers.Rescaling(1 / 127.5, -1)(image)
    for filters in (32, 64, 128):  # (n, 28, 28, 32), (n, 14, 14, 64), (n, 7, 7, 128)
        for stride in (1, 1) if filters == 32 else (2, 1):
            features = layers.Conv2D(filters, 3, stride, "same", use_bias=False)(features)
            features = layers.BatchNormalization()(features)
            features = layers.ReLU()(features)
    features = layers.GlobalAveragePooling2D(name=FEATURES)(features)  # (n, 128)
    logits = layers.Dense(classes, name=LOGITS)(layers.Dropout(0.2)(features))
    return keras.Model(image, {FEATURES: features, LOGITS: logits}, name="fashion_cnn")


def train_classifier(pictures: Pictures, epochs: int, seed: int = 0) -> keras.Model:
    """Train the classifier on shifted and mirrored pictures, the learning rate falling to zero."""
    model = build_classifier(len(pictures.shape.class_names), seed)
    steps = -(-len(pictures.images) // BATCH_SIZE) * epochs
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trained = keras.Model(model.input, model.output[LOGITS])
    trained.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    dataset = tf.data.Dataset.from_tensor_slices((pictures.images, pictures.labels))
    dataset = dataset.shuffle(len(pictures.images), seed=seed).batch(BATCH_SIZE)
    trained.fit(dataset.map(augment).prefetch(2), epochs=epochs, verbose=2)
    return model


def augment(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirror each of a batch by chance and shift them all by up to two pixels."""
    padded = tf.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)))
    shifted = tf.image.random_crop(padded, tf.shape(images))
    return tf.cast(tf.image.random_flip_left_right(shifted), tf.float32), labels


def convert_classifier(model: keras.Model) -> onnx.ModelProto:
    """Convert the classifier to ONNX: `image` uint8 (batch, 28, 28, 1) in, `features` and `logits` out."""
    signature = [tf.TensorSpec((None, 28, 28, 1), tf.uint8, name=IMAGE)]

    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs: dict[str, tf.Tensor] = model(tf.cast(image, tf.float32), training=False)
        return outputs

    graph, _ = tf2onnx.convert.from_function(
        tf.function(classify, input_signature=signature), input_signature=signature, opset=OPSET
    )
    for tensor in (*graph.graph.input, *graph.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(graph, full_check=True)
    return graph


def main() -> None:
    """Train on the whole set, print the accuracy on its test split, write the graph."""
    parser = argparse.ArgumentParser(description="Train the Fashion-MNIST feature network.")
    parser.add_argument("out", type=Path, help="where the ONNX graph goes")
    parser.add_argument("--data-folder", type=Path, default=FASHION_MNIST_FOLDER)
    parser.add_argument("--epochs", type=int, default=14)
    options = parser.parse_args()
    model = train_classifier(load_pictures("fashion-mnist", options.data_folder), options.epochs)
    test = load_pictures("fashion-mnist", options.data_folder, "test")
    logits = model.predict(test.images.astype(np.float32), batch_size=500, verbose=0)[LOGITS]
    accuracy = float((logits.argmax(axis=1) == test.labels).mean())
    print(f"Accuracy on {len(test.images)} test pictures: {accuracy:.4f}")
    options.out.write_bytes(convert_classifier(model).SerializeToString())


if __name__ == "__main__":
    main()
