"""`ganymede deploy aws` and `ganymede destroy aws`: a first deployment into the own account, and its end."""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from ganymede.commands.store import upload_bar
from ganymede.deployment.account import Account, AccountRefused
from ganymede.deployment.checks import Finding, find_obstacles
from ganymede.deployment.clients import find_own_address
from ganymede.deployment.costs import Estimate, estimate
from ganymede.deployment.destruction import destroy, look_around
from ganymede.deployment.regions import find_region
from ganymede.deployment.steps import Deployed, deploy
from ganymede.deployment.tools import Tools, find_clone
from ganymede.deployment.wishes import EVERYONE, INSIDE, Wishes
from ganymede.options import ModelsOption

NAME_PATTERN = r"[a-z][a-z0-9]{1,15}"
NameOption = Annotated[str, typer.Option("--name", help="Of the deployment: part of its stacks' names.")]
RegionOption = Annotated[
    str | None, typer.Option("--region", help="Of AWS.", show_default="that of your profile")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    deploying, destroying = typer.Typer(no_args_is_help=True), typer.Typer(no_args_is_help=True)
    deploying.command("aws")(deploy_aws)
    destroying.command("aws")(destroy_aws)
    app.add_typer(deploying, name="deploy", help="Put models and the API into an account of yours.")
    app.add_typer(destroying, name="destroy", help="Take down what deploy put up.")


def deploy_aws(
    model: Annotated[
        list[str], typer.Option(help="MODEL, MODEL@ALIAS or MODEL@VERSION; several times for several.")
    ],
    models: ModelsOption = "models",
    name: NameOption = "live",
    region: RegionOption = None,
    size: Annotated[
        Literal["small", "medium", "large"], typer.Option(help="1, 2 or 4 vCPU a task; large has two tasks.")
    ] = "medium",
    client_cidr: Annotated[
        str | None,
        typer.Option(
            help="Who may come, such as 203.0.113.7/32.", show_default="you; with a domain everyone"
        ),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="The API's name; TLS comes with it.")] = None,
    certificate: Annotated[
        str | None, typer.Option(help="ARN of a certificate, where no zone of Route 53 holds the domain.")
    ] = None,
    default_model: Annotated[
        str | None, typer.Option(help="Who answers where no model is named.", show_default="the first")
    ] = None,
    github: Annotated[str | None, typer.Option(help="Whose workflows may deploy: OWNER/REPOSITORY.")] = None,
    alerts: Annotated[str | None, typer.Option(help="E-mail address for alarms and the budget.")] = None,
    agent_image: Annotated[
        str | None,
        typer.Option(
            envvar="AGENT_IMAGE",
            help="CloudWatch's agent, for scaling by the queue and the metrics; without it by CPU.",
        ),
    ] = None,
    *,
    internal: Annotated[bool, typer.Option(help="A load balancer inside the VPC alone.")] = False,
    edge: Annotated[bool, typer.Option(help="CloudFront and a firewall in front of the domain.")] = False,
    graviton: Annotated[bool, typer.Option(help="ARM tasks: a fifth cheaper.")] = False,
    spot: Annotated[bool, typer.Option(help="Spare capacity: much cheaper, may be taken away.")] = False,
    gpu: Annotated[bool, typer.Option(help="EC2 instances with a GPU in place of Fargate.")] = False,
    sagemaker: Annotated[bool, typer.Option(help="A SageMaker endpoint too, and the role of jobs.")] = False,
    bulk: Annotated[bool, typer.Option(help="An asynchronous SageMaker endpoint too.")] = False,
    new_key: Annotated[bool, typer.Option(help="Replace the API keys by a new one.")] = False,
    yes: YesOption = False,
) -> None:
    """Deploy models as an API: says what would fail or what it costs, asks, goes on where it stopped."""
    check_name(name)
    region = choose_region(region)
    account, tools = Account(region), Tools(find_clone(), region)
    wishes = Wishes(
        name=name,
        region=region,
        models=tuple(model),
        store=models,
        size=size,
        client_cidr=client_cidr or _find_clients(domain=domain, internal=internal),
        domain=domain,
        hosted_zone_id=_ask(account.find_zone, domain) if domain and not certificate else None,
        certificate_arn=certificate,
        internal=internal,
        edge=edge,
        edge_prefix_list=_ask(account.find_edge_addresses) if edge else None,
        default_model=default_model,
        graviton=graviton,
        spot=spot,
        gpu=gpu,
        sagemaker=sagemaker,
        bulk=bulk,
        github=github,
        alerts=alerts,
        agent_image=agent_image,
    )
    with tempfile.TemporaryDirectory() as folder:
        templates = Path(folder) / "templates"
        with Console(stderr=True).status("Looking for what would fail later"):
            obstacles = find_obstacles(wishes, account, tools, templates)
        if obstacles:
            _list_obstacles(obstacles)
            raise typer.Exit(1)
        number, caller = account.read_identity()
        _show_costs(wishes, number, caller, estimate(wishes))
        if not yes:
            typer.confirm("Deploy?", abort=True)
        deployed = deploy(wishes, account, tools, templates, say=typer.echo, new_key=new_key, bar=upload_bar)
    _say_where(wishes, deployed)


def destroy_aws(
    name: NameOption = "live",
    region: RegionOption = None,
    *,
    yes: YesOption = False,
) -> None:
    """Delete what computes, and what costs by the hour; models, images and secrets stay, and are named."""
    check_name(name)
    region = choose_region(region)
    account = Account(region)
    number, _ = account.read_identity()
    remains = look_around(name, account)
    if not remains.stacks:
        typer.echo(f"There is no deployment {name} in {region} of the account {number}.")
    else:
        typer.echo(f"In {region} of the account {number} these go:")
        for stack in remains.stacks:
            typer.echo(f"  {stack}")
    if remains.kept:
        typer.echo("These stay until you delete them:")
        for sentence in remains.kept:
            typer.echo(f"  {sentence}")
    if not remains.stacks:
        return
    if not yes:
        typer.confirm("Destroy?", abort=True)
    destroy(remains, account, typer.echo)
    typer.echo(f"{name} is gone.")


def check_name(name: str) -> None:
    """Refuse what the names of stacks cannot hold."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise typer.BadParameter(
            "two to sixteen small letters and digits, a letter first", param_hint="--name"
        )


def choose_region(region: str | None) -> str:
    """The region that was given, else AWS's variables' or the profile's; never one that nobody chose."""
    chosen = region or find_region()
    if chosen is None:
        raise typer.BadParameter(
            "say where, such as eu-central-1: no AWS_REGION is set, and the profile has no region",
            param_hint="--region",
        )
    return chosen


def _find_clients(*, domain: str | None, internal: bool) -> str | None:
    if domain:
        return EVERYONE
    return INSIDE if internal else find_own_address()


def _ask(question: Callable[..., str | None], *words: str) -> str | None:
    try:
        return question(*words)
    except AccountRefused:
        return None  # the checks say why


def _list_obstacles(obstacles: list[Finding]) -> None:
    typer.echo(f"Nothing was made: {len(obstacles)} things would fail.", err=True)
    for finding in obstacles:
        typer.echo(f"- {finding.what}\n  {finding.remedy}", err=True)


def _show_costs(wishes: Wishes, number: str, caller: str, bill: Estimate) -> None:
    table = Table(box=None)
    for column in ("a month", "", "$"):
        table.add_column(column, justify="right" if column == "$" else "left")
    for line in bill.lines:
        table.add_row(line.item, line.how, "?" if line.usd is None else f"{line.usd:.2f}")
    unknown = any(line.usd is None for line in bill.lines)
    table.add_row("Together" + (" without what has a ?" if unknown else ""), "", f"{bill.total_usd:.2f}")
    typer.echo(
        f"{wishes.name}: {', '.join(wishes.models)} from {wishes.store}, into the account {number} "
        f"({wishes.region}), as {caller}, for clients of {wishes.client_cidr}"
    )
    Console(width=max(Console().width, 100)).print(table)
    typer.echo(bill.note)


def _say_where(wishes: Wishes, deployed: Deployed) -> None:
    typer.echo(f"\nThe API answers at {deployed.url}")
    if deployed.record:
        typer.echo(f"once you have made this record: {deployed.record}")
    key = deployed.key or "$KEY"
    typer.echo(f'Try it:  curl -X POST "{deployed.url}/generate" -H "X-Api-Key: {key}" -o grid.png')
    flag = "" if os.environ.get("AWS_REGION") == wishes.region else f" --region {wishes.region}"
    typer.echo(f"End it:  ganymede destroy aws --name {wishes.name}{flag}")
