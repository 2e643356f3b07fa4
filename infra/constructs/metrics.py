"""The service's Prometheus metrics in CloudWatch: what the agent publishes, and how to name it."""

import json
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "Ganymede"
HOST_NAMESPACE = "Ganymede/Host"
SCRAPE_INTERVAL_S = 15
QUEUE = "ganymede_queue_images"
IMAGES = "ganymede_images_total"
RELOADS = "ganymede_reloads_total"
GPU_UTILIZATION = "nvidia_smi_utilization_gpu"
GPU_MEMORY_USED = "nvidia_smi_memory_used"
GPU_MEMORY_TOTAL = "nvidia_smi_memory_total"


def scrape_configuration(service: str, port: int) -> str:
    """YAML (as JSON) for the agent's Prometheus half: the container beside it, labelled with `service`."""
    target = {"targets": [f"localhost:{port}"], "labels": {"service": service}}
    scrape = {"job_name": "ganymede", "static_configs": [target]}
    interval = f"{SCRAPE_INTERVAL_S}s"
    return json.dumps(
        {"global": {"scrape_interval": interval, "scrape_timeout": "5s"}, "scrape_configs": [scrape]}
    )


def agent_configuration(log_group: str) -> str:
    """JSON for the agent: gauges per service (their average is the value per task), reloads per outcome."""

    def declare(dimensions: list[str], *names: str) -> dict[str, Any]:
        return {
            "source_labels": ["job"],
            "label_matcher": "^ganymede$",
            "dimensions": [dimensions],
            "metric_selectors": [f"^{name}$" for name in names],
        }

    declarations = [
        declare(["service"], QUEUE),
        declare(["service", "model"], IMAGES),
        declare(["service", "outcome"], RELOADS),
    ]
    prometheus = {
        "prometheus_config_path": "env:PROMETHEUS_CONFIG_CONTENT",
        "log_group_name": log_group,
        "emf_processor": {"metric_namespace": NAMESPACE, "metric_declaration": declarations},
    }
    return json.dumps({"logs": {"metrics_collected": {"prometheus": prometheus}}})


def gpu_agent_configuration(service: str) -> str:
    """JSON for the agent of a GPU host: use and memory of its GPUs, averaged over the service's hosts.

    The dimension is a name that stays, not that of the group of hosts: alarms in other stacks name it.
    """
    gpu = {
        "measurement": ["utilization_gpu", "memory_used", "memory_total"],
        "append_dimensions": {"service": service},
        "metrics_collection_interval": 60,
    }
    metrics = {
        "namespace": HOST_NAMESPACE,
        "aggregation_dimensions": [["service"]],
        "metrics_collected": {"nvidia_gpu": gpu},
    }
    return json.dumps({"metrics": metrics})


def service_metric(
    name: str, service: str, *, statistic: str = "Average", **dimensions: str
) -> cloudwatch.Metric:
    """A metric of the service, over all its tasks, by the minute."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": service, **dimensions},
        statistic=statistic,
        period=Duration.minutes(1),
    )


def gpu_metric(name: str, service: str, *, statistic: str = "Average") -> cloudwatch.Metric:
    """A metric of the GPUs of the service's hosts, by the minute."""
    return cloudwatch.Metric(
        namespace=HOST_NAMESPACE,
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=Duration.minutes(1),
    )
