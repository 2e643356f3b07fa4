"""The AWS account, as far as a deployment asks it something: one method a question, all of them quick."""

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from foundation.errors import GanymedeError

CONNECT_S, READ_S, ATTEMPTS = 5, 20, 3
DELETION_POLL_S, DELETION_POLLS = 15, 240
"""An hour for a stack to go."""
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
EDGE_ADDRESSES = "com.amazonaws.global.cloudfront.origin-facing"
ABSENT = frozenset({"NoSuchResourceException", "RepositoryNotFoundException", "ImageNotFoundException"})
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class AccountRefused(GanymedeError):
    """AWS refused or could not be asked; the message has the question and AWS's own sentence."""

    code = "aws-refused"


def _explained(
    method: Callable[Concatenate["Account", Asked], Answer],
) -> Callable[Concatenate["Account", Asked], Answer]:
    """Let what botocore raises in `method` be one sentence of ours."""

    @wraps(method)
    def call(self: "Account", /, *asked: Asked.args, **named: Asked.kwargs) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return method(self, *asked, **named)
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            question = method.__name__.replace("_", " ")
            raise AccountRefused(f"AWS in {self.region}, asked to {question}: {error}") from error

    return call


class Account:
    """The account that the caller's credentials belong to, in one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._clients: dict[str, Any] = {}

    def _client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        limits = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self.region, config=limits)
        return self._clients[service]

    @_explained
    def read_identity(self) -> tuple[str, str]:
        """The account's number and the caller's ARN."""
        answer = self._client("sts").get_caller_identity()
        return answer["Account"], answer["Arn"]

    @_explained
    def list_known_regions(self) -> list[str]:
        """The regions with ECS that this boto3 knows of; nobody is asked."""
        import boto3

        regions: list[str] = boto3.session.Session().get_available_regions("ecs")
        return regions

    @_explained
    def read_region_state(self) -> str | None:
        """`opt-in-not-required`, `opted-in` or `not-opted-in`; None where AWS has no such region."""
        regions = self._client("ec2").describe_regions(AllRegions=True)["Regions"]
        states = {each["RegionName"]: each.get("OptInStatus", "opt-in-not-required") for each in regions}
        state: str | None = states.get(self.region)
        return state

    def read_quota(self, service: str, code: str) -> float | None:
        """How much the account may have of something; None where AWS does not say, or does not let us ask."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._client("service-quotas")
        for ask in (client.get_service_quota, client.get_aws_default_service_quota):
            try:
                return float(ask(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
            except (BotoCoreError, ClientError, NotImplementedError, KeyError):
                continue
        return None

    @_explained
    def count_networks(self) -> int:
        """How many VPCs there are."""
        return len(self._client("ec2").describe_vpcs()["Vpcs"])

    @_explained
    def count_addresses(self) -> int:
        """How many Elastic IP addresses there are."""
        return len(self._client("ec2").describe_addresses()["Addresses"])

    @_explained
    def read_stack(self, name: str) -> dict[str, Any] | None:
        """A stack's `StackStatus` and `Outputs`, as CloudFormation gives them; None where there is none."""
        from botocore.exceptions import ClientError

        try:
            stacks = self._client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return next((each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"), None)

    def read_status(self, name: str) -> str | None:
        """A stack's status, None where there is none."""
        stack = self.read_stack(name)
        return None if stack is None else str(stack["StackStatus"])

    def read_output(self, name: str, output: str) -> str:
        """One output of a stack.

        Raises:
            AccountRefused: there is no such stack or output.
        """
        stack = self.read_stack(name) or {}
        for each in stack.get("Outputs", ()):
            if each["OutputKey"] == output:
                return str(each["OutputValue"])
        raise AccountRefused(f"The stack {name} in {self.region} has no output {output}.")

    @_explained
    def delete_stack(self, name: str) -> None:
        """Delete a stack and wait until it is gone."""
        client = self._client("cloudformation")
        client.delete_stack(StackName=name)
        pauses = {"Delay": DELETION_POLL_S, "MaxAttempts": DELETION_POLLS}
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=pauses)

    @_explained
    def unlock_balancers(self, stack: str) -> None:
        """Let the load balancers of a stack be deleted with it, which AWS refuses of protected ones."""
        made = self._client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        for each in made:
            if each["ResourceType"] == BALANCER and each.get("PhysicalResourceId"):
                self._client("elbv2").modify_load_balancer_attributes(
                    LoadBalancerArn=each["PhysicalResourceId"],
                    Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
                )

    @_explained
    def list_secrets(self, environment: str) -> list[str]:
        """The ARNs of the secrets that were made for a deployment, whether its stacks stand or not."""
        pages = (
            self._client("secretsmanager")
            .get_paginator("list_secrets")
            .paginate(Filters=[{"Key": "tag-value", "Values": [environment]}])
        )
        wanted = {("project", "ganymede"), ("environment", environment)}
        return [
            str(secret["ARN"])
            for page in pages
            for secret in page["SecretList"]
            if wanted <= {(tag["Key"], tag["Value"]) for tag in secret.get("Tags", ())}
        ]

    @_explained
    def read_image_digest(self, repository_uri: str, tag: str) -> str | None:
        """The digest of an image in the account's registry, None if it is not there."""
        from botocore.exceptions import ClientError

        name = repository_uri.partition("/")[2]
        try:
            found = self._client("ecr").describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise
        return next((str(each["imageDigest"]) for each in found["imageDetails"]), None)

    @_explained
    def lend_registry_password(self) -> tuple[str, str]:
        """User and password, good for twelve hours, for pushing to the account's registry."""
        [data] = self._client("ecr").get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return user, password

    @_explained
    def find_zone(self, domain: str) -> str | None:
        """The id of the public zone of Route 53 that `domain` lies in, the longest; None if there is none."""
        pages = self._client("route53").get_paginator("list_hosted_zones").paginate()
        zones = [zone for page in pages for zone in page["HostedZones"] if not zone["Config"]["PrivateZone"]]
        holding = [zone for zone in zones if f".{domain}.".endswith(f".{zone['Name']}")]
        best = max(holding, key=lambda zone: len(zone["Name"]), default=None)
        return None if best is None else str(best["Id"]).rpartition("/")[2]

    @_explained
    def find_edge_addresses(self) -> str | None:
        """The id of the list of addresses that CloudFront asks from in the region; None if there is none."""
        named = [{"Name": "prefix-list-name", "Values": [EDGE_ADDRESSES]}]
        found = self._client("ec2").describe_managed_prefix_lists(Filters=named)["PrefixLists"]
        return next((str(each["PrefixListId"]) for each in found), None)
