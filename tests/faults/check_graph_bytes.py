"""Graphs with bytes altered at random: each is served or refused, and nothing else happens."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

SCRIPT = """
import random, sys, tempfile
from pathlib import Path
from foundation.errors import ReleaseRefused
from ganymede.imports.graph import ImportRefused
from ganymede.imports.release import prepare_release
from ganymede.imports.wishes import Wishes
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.releases.opening import check_content
from tests.store.foreign import draw_graph
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_graph

dice = random.Random(int(sys.argv[1]))
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    manifest = publish_tiny_model(folder, TinyModel())
    ours, foreign = tiny_graph(TinyModel()), draw_graph().SerializeToString()
    counts = {"served": 0, "refused": 0}
    for _ in range(int(sys.argv[2])):
        content = bytearray(dice.choice((ours, foreign)))
        for _ in range(dice.choice((1, 1, 2, 5))):
            # most of a file is weights, of which any will do
            place = dice.choice((dice.randrange(len(content)), dice.randrange(300), -dice.randrange(1, 300)))
            content[place] = dice.choice((0, 1, 127, 128, 255, dice.randrange(256)))
        if dice.random() < 0.1:
            del content[dice.randrange(len(content)):]
        (folder / "graph.onnx").write_bytes(content)
        (folder / "last").write_bytes(content)
        try:
            check_content(manifest, bytes(content))
            Generator(manifest, bytes(content), cpu_device(1))
            counts["served"] += 1
        except ReleaseRefused:
            counts["refused"] += 1
        try:
            prepare_release(
                folder / "graph.onnx", Wishes(), folder, name="m", version="v1", licence="MIT"
            )
            counts["served"] += 1
        except (ImportRefused, ReleaseRefused):
            counts["refused"] += 1
print(counts)
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_any_bytes_are_served_or_refused(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(seed), "100"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    assert "'served': 0" not in done.stdout
    assert "'refused': 0" not in done.stdout
