import shutil

from tests.training.conftest import DATA_FOLDER
from training.data import load_pictures
from training.evaluation.evaluate import evaluate_run
from training.evaluation.features import FASHION_FEATURES, FeatureNetwork
from training.export.exporting import export_run, read_export
from training.export.figures import read_figures
from training.metrics.figures import count_name
from training.run.folder import Run


def test_the_bundled_feature_network_knows_nine_garments_in_ten():
    test = load_pictures("fashion-mnist", DATA_FOLDER, "test")
    network = FeatureNetwork(FASHION_FEATURES)
    assert network.extract(test.images).shape == (100, 128)
    assert (network.classify(test.images) == test.labels).mean() > 0.8


def test_figures_carry_their_space_and_size_and_tell_noise_from_garments(trained_run, tmp_path):
    folder = shutil.copytree(trained_run.folder, tmp_path / "run")
    export_run(folder)
    figures = evaluate_run(folder, features=None, data_folder=DATA_FOLDER)
    assert figures["fd_fashion_cnn_100"] > 2 * figures["fd_fashion_cnn_100_real"]
    assert figures["recall_fashion_cnn_100"] < figures["recall_fashion_cnn_100_real"]
    run = Run(folder)
    assert read_figures(run, read_export(run)) == figures
    assert count_name(10_000) == "10k"
