"""The training image, really run: a tiny training, by hand as nobody special and as SageMaker calls it."""

from tests.conftest import REPOSITORY
from tests.image.conftest import docker

IMAGE = "ganymede:training"
DATA = REPOSITORY / "tests" / "data" / "fashion-mnist"
SMALL = ("preset=modern", "epochs=1", "width=16", "latent_size=8", "batch_size=100", "precision=float32")


def test_the_image_trains_exports_and_publishes_as_nobody_special_on_a_read_only_root(tmp_path):
    tmp_path.chmod(0o777)
    container = ("run", "--rm", "--read-only", "--cap-drop", "ALL", "--user", "10001:10001")
    volumes = ("--volume", f"{DATA}:/data:ro", "--volume", f"{tmp_path}:/work")
    preset, *settings = SMALL
    options = [word for setting in settings for word in ("--set", setting)]
    order = ("train", "--preset", preset.partition("=")[2], "--data-folder", "/data", "--run", "/work/run")
    docker(*container, *volumes, IMAGE, *order, *options)
    docker(*container, *volumes, IMAGE, "export", "/work/run")
    docker(*container, *volumes, IMAGE, "publish", "/work/run", "--name", "tiny", "--models", "/work/models")
    assert "tiny" in docker(*container, *volumes, IMAGE, "models", "--models", "/work/models")
