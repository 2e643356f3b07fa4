"""The CDK app: `cdk deploy -c environment=prod`, or `python -m infra.app` for the templates alone."""

import argparse
import json
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.configuration import EDGE_REGION, Configuration
from infra.constructs.retention import retention
from infra.constructs.task import TaskSources
from infra.stacks.budget import BudgetStack
from infra.stacks.deploy_role import DeployRoleStack
from infra.stacks.ecs_service import ServiceStack
from infra.stacks.edge import EdgeStack
from infra.stacks.network import NetworkStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.sagemaker_asynchronous import AsynchronousEndpointStack
from infra.stacks.sagemaker_realtime import RealtimeEndpointStack
from infra.stacks.storage import StorageStack
from infra.stacks.training import TrainingStack

CDK_JSON = Path(__file__).parent.parent / "cdk.json"


def add_stacks(app: App, configuration: Configuration) -> None:
    """All stacks of one environment, each with only what it needs of the others."""
    env = Environment(region=configuration.region)
    prefix = f"Ganymede-{configuration.environment}"
    storage = StorageStack(app, f"{prefix}-Storage", promoted_to=configuration.promoted_to, env=env)
    network = NetworkStack(
        app,
        f"{prefix}-Network",
        nat_gateways=configuration.nat_gateways,
        retention=retention(configuration.log_retention_days),
        env=env,
    )
    service = ServiceStack(
        app,
        f"{prefix}-Service",
        configuration=configuration,
        vpc=network.vpc,
        logs=storage.logs,
        sources=TaskSources(storage.models, storage.images, storage.agent_images, network.vpc),
        env=env,
    )
    stored = {"models": storage.models, "images": storage.images}
    realtime = RealtimeEndpointStack(
        app, f"{prefix}-Realtime", configuration=configuration, env=env, **stored
    )
    AsynchronousEndpointStack(app, f"{prefix}-Bulk", configuration=configuration, env=env, **stored)
    TrainingStack(
        app,
        f"{prefix}-Training",
        bucket=storage.models,
        images=storage.images,
        model_prefix=configuration.model_prefix,
        env=env,
    )
    ObservabilityStack(
        app,
        f"{prefix}-Observability",
        configuration=configuration,
        service=service,
        endpoint=realtime,
        env=env,
    )
    DeployRoleStack(
        app,
        f"{prefix}-DeployRole",
        environment=configuration.environment,
        repository=configuration.github_repository,
        images=storage.images,
        models=storage.models,
        model_prefix=configuration.model_prefix,
        promoted_from=configuration.promoted_from,
        env=env,
    )
    if configuration.edge:
        EdgeStack(
            app,
            f"{prefix}-Edge",
            configuration=configuration,
            env=Environment(region=EDGE_REGION),
        )
    BudgetStack(
        app,
        f"{prefix}-Budget",
        environment=configuration.environment,
        monthly_usd=configuration.monthly_budget_usd,
        email=configuration.alert_email,
        env=env,
    )
    Tags.of(app).add("project", "ganymede")
    Tags.of(app).add("environment", configuration.environment)


def make_app(
    *, context: dict[str, Any] | None = None, outdir: str | None = None, to_deploy: bool = False
) -> App:
    """The app with every stack and cdk-nag's AwsSolutions rules, which stop the synthesis on a finding.

    Raises:
        ValueError: a value is wrong or, where the templates are there `to_deploy`, still the example's.
    """
    app = App(context=context, outdir=outdir, analytics_reporting=False)
    configuration = Configuration.load(app.node)
    if to_deploy:
        configuration.require_own_values()
    add_stacks(app, configuration)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    return app


def main() -> None:
    """Write the templates of one environment; under the CDK's command line, what that one asks for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--environment", help="one of cdk.json's, such as dev or prod")
    parser.add_argument("--output", help="the folder for the templates")
    arguments = parser.parse_args()
    if arguments.environment is None:
        make_app(to_deploy=True).synth()
        return
    make_app(context=read_context(arguments.environment), outdir=arguments.output).synth()


def read_context(environment: str) -> dict[str, Any]:
    """What the CDK's command line would pass on from cdk.json, for one environment."""
    context: dict[str, Any] = json.loads(CDK_JSON.read_text())["context"]
    return context | {"environment": environment}


if __name__ == "__main__":
    main()
