"""The CDK app: `cdk deploy -c environment=prod`, or `python -m infra.app` for the templates alone."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, Tags, Validations
from cdk_nag import AwsSolutionsChecks
from pydantic import ValidationError

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
        access_logs=storage.logs,
        sources=TaskSources(storage.models, storage.images, storage.agent_images, network.vpc),
        env=env,
    )
    stored = {"models": storage.models, "images": storage.images}
    parts = configuration.parts
    realtime = (
        RealtimeEndpointStack(app, f"{prefix}-Realtime", configuration=configuration, env=env, **stored)
        if "realtime" in parts
        else None
    )
    if "bulk" in parts:
        AsynchronousEndpointStack(app, f"{prefix}-Bulk", configuration=configuration, env=env, **stored)
    if "training" in parts:
        TrainingStack(
            app,
            f"{prefix}-Training",
            bucket=storage.models,
            images=storage.images,
            model_prefix=configuration.model_prefix,
            env=env,
        )
    if configuration.github_repository and "github" in parts:
        DeployRoleStack(
            app,
            f"{prefix}-DeployRole",
            environment=configuration.environment,
            repository=configuration.github_repository,
            images=storage.images,
            models=storage.models,
            model_prefix=configuration.model_prefix,
            promoted_from=configuration.promoted_from,
            regions=(configuration.region, EDGE_REGION) if configuration.edge else (configuration.region,),
            env=env,
        )
    if configuration.alert_email and "alerts" in parts:
        add_alerts(app, configuration, configuration.alert_email, service, realtime)
    if configuration.edge:
        edge = EdgeStack(
            app,
            f"{prefix}-Edge",
            configuration=configuration,
            env=Environment(region=EDGE_REGION),
        )
        edge.add_stack_dependency(service)  # which makes the secret that both know
    Tags.of(app).add("project", "ganymede")
    Tags.of(app).add("environment", configuration.environment)


def add_alerts(
    app: App,
    configuration: Configuration,
    email: str,
    service: ServiceStack,
    endpoint: RealtimeEndpointStack | None,
) -> None:
    """What writes to `email`: the alarms, and the budget."""
    env = Environment(region=configuration.region)
    prefix = f"Ganymede-{configuration.environment}"
    ObservabilityStack(
        app,
        f"{prefix}-Observability",
        configuration=configuration,
        email=email,
        service=service,
        endpoint=endpoint,
        env=env,
    )
    BudgetStack(
        app,
        f"{prefix}-Budget",
        environment=configuration.environment,
        monthly_usd=configuration.monthly_budget_usd,
        email=email,
        env=env,
    )


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
    parser.add_argument("--configuration", type=Path, help="a JSON file of one environment, to be deployed")
    parser.add_argument("--output", help="the folder for the templates")
    arguments = parser.parse_args()
    if arguments.configuration is not None:
        try:
            context = read_given(arguments.configuration)
            make_app(context=context, outdir=arguments.output, to_deploy=True).synth()
        except ValueError as error:  # pydantic's are such too; the last line is what a caller shows
            sys.exit(describe_fault(error))
        return
    if arguments.environment is None:
        make_app(to_deploy=True).synth()
        return
    make_app(context=read_context(arguments.environment), outdir=arguments.output).synth()


def describe_fault(error: ValueError) -> str:
    """One line: what of a configuration is wrong."""
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))} {each['msg']}".strip() for each in faults)


def read_context(environment: str) -> dict[str, Any]:
    """What the CDK's command line would pass on from cdk.json, for one environment."""
    context: dict[str, Any] = json.loads(CDK_JSON.read_text())["context"]
    return context | {"environment": environment}


def read_given(path: Path) -> dict[str, Any]:
    """cdk.json's context with the one environment that a file describes in place of its own."""
    given: dict[str, Any] = json.loads(path.read_text())
    name = given.pop("environment")
    return read_context(name) | {"environments": {name: given}}


if __name__ == "__main__":
    main()
