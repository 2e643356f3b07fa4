"""The manifests for Kubernetes: of the right form, about a service with these ports, paths and settings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.metrics import Metrics
from service.settings import Settings
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
VERSIONS = ("1.29", "1.34")
"""The oldest that KServe and clouds still support, and a new one."""
LISTED = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
INFERENCE = FOLDER / "kserve" / "inference-service.yaml"


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def deployed_pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pods of both ways: of the Deployment, and of KServe's predictor, without what is KServe's own."""
    yield "deployment", read(FOLDER / "deployment.yaml")["spec"]["template"]["spec"]
    own = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}
    predictor = read(INFERENCE)["spec"]["predictor"]
    yield "kserve", {name: value for name, value in predictor.items() if name not in own}


PODS = dict(deployed_pods())


def settings_of(pod: dict[str, Any]) -> dict[str, str]:
    """What the container's environment sets, the secrets as `NAME:HASH` of a key."""
    [container] = pod["containers"]
    [source] = container["envFrom"]
    variables = read(FOLDER / "configuration.yaml")
    assert source["configMapRef"]["name"] == variables["metadata"]["name"]
    return variables["data"] | {each["name"]: f"me:{'0' * 64}" for each in container["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", LISTED)
def test_a_manifest_fits_the_schema_of_its_kind(name, version):
    kubernetes_validate.validate(read(FOLDER / name), version, strict=True)


@pytest.mark.parametrize("way", PODS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_pod_fits_the_schema_of_pods(way, version):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": way}, "spec": PODS[way]}
    kubernetes_validate.validate(pod, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_seen():
    wrong = read(FOLDER / "deployment.yaml")
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_manifest_is_applied():
    besides = {"kustomization.yaml", "prometheus-adapter.yaml"}
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*LISTED, *besides}


@pytest.mark.parametrize("way", PODS)
def test_every_variable_is_a_setting_with_a_value_that_it_takes(way, monkeypatch):
    variables = settings_of(PODS[way])
    known = {f"GANYMEDE_{name.upper()}" for name in Settings.model_fields}
    assert set(variables) <= known
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert settings.lame_duck_s > 0


@pytest.mark.parametrize("way", PODS)
def test_a_pod_is_given_the_time_that_its_end_takes(way, monkeypatch):
    pod = PODS[way]
    for name, value in settings_of(pod).items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert pod["terminationGracePeriodSeconds"] >= settings.lame_duck_s + settings.drain_timeout_s + 3
    probe = pod["containers"][0]["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] <= settings.lame_duck_s


@pytest.mark.parametrize("way", PODS)
def test_probes_ask_what_the_service_answers_on_the_port_of_the_image(way, client):
    [container] = PODS[way]["containers"]
    port = int(re.search(r"GANYMEDE_PORT=(\d+)", (REPOSITORY / "Dockerfile").read_text())[1])
    [named] = container["ports"]
    assert named["containerPort"] == port
    for name, probe in container.items():
        if name.endswith("Probe"):
            assert client.get(probe["httpGet"]["path"]).status_code == 200, name
            assert probe["httpGet"]["port"] in (port, named["name"]), name


@pytest.mark.parametrize("way", PODS)
def test_a_pod_is_nobody_and_writes_only_where_the_image_has_volumes(way):
    pod = PODS[way]
    [container] = pod["containers"]
    image = (REPOSITORY / "Dockerfile").read_text()
    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in image
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounts = {each["mountPath"] for each in container["volumeMounts"]}
    assert mounts == {*yaml.safe_load(re.search(r"^VOLUME (\[.*\])$", image, re.MULTILINE)[1])}
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"])
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]


def test_all_of_it_means_the_same_pods():
    labels = read(FOLDER / "deployment.yaml")["spec"]["template"]["metadata"]["labels"]
    deployment, service = read(FOLDER / "deployment.yaml"), read(FOLDER / "service.yaml")
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    for name, field in (("disruption.yaml", "selector"), ("network.yaml", "podSelector")):
        assert read(FOLDER / name)["spec"][field]["matchLabels"].items() <= labels.items(), name
    [port] = service["spec"]["ports"]
    [named] = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert port["targetPort"] == named["name"]
    [ingress] = read(FOLDER / "network.yaml")["spec"]["ingress"]
    assert [each["port"] for each in ingress["ports"]] == [named["containerPort"]]
    assert (
        read(FOLDER / "autoscaler.yaml")["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    )
    assert "replicas" not in deployment["spec"]


def test_the_autoscaler_asks_for_a_figure_that_the_service_has_below_the_bound_of_its_queue():
    Metrics()
    autoscaler = read(FOLDER / "autoscaler.yaml")["spec"]
    [queue] = [each["pods"] for each in autoscaler["metrics"] if each["type"] == "Pods"]
    figures = {metric.name for metric in Metrics().registry.collect()}
    assert queue["metric"]["name"] in figures
    bound = int(read(FOLDER / "configuration.yaml")["data"]["GANYMEDE_MAX_QUEUE_IMAGES"])
    assert int(queue["target"]["averageValue"]) < bound
    [rule] = read(FOLDER / "prometheus-adapter.yaml")["rules"]["custom"]
    assert rule["name"]["as"] == queue["metric"]["name"]
    assert re.fullmatch(rule["name"]["matches"], queue["metric"]["name"])
    budget = read(FOLDER / "disruption.yaml")["spec"]["maxUnavailable"]
    assert autoscaler["minReplicas"] > budget


def test_what_a_pod_may_ask_for_besides_tls_is_reached_where_a_namespace_is_labelled():
    """A collector of traces listens at 4318, a Redis at 6379: neither is TLS at 443."""
    egress = read(FOLDER / "network.yaml")["spec"]["egress"]
    [inside] = [rule for rule in egress if "ports" not in rule]
    labels = [
        each["namespaceSelector"]["matchLabels"] for each in inside["to"] if "namespaceSelector" in each
    ]
    assert labels == [{"ganymede.io/servers": "true"}]
    assert {"podSelector": {}} in inside["to"]
    told = (REPOSITORY / "docs" / "kubernetes.md").read_text()
    assert "ganymede.io/servers=true" in told
    [tls] = [rule for rule in egress if "ipBlock" in str(rule)]
    assert tls["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"]
