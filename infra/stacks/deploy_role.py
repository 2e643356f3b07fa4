"""The role of GitHub's workflows, taken on by OIDC: push images, deploy through the CDK's own roles."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Duration, Environment, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import objects_finding, read_prefix

ISSUER = "token.actions.githubusercontent.com"
MAX_SESSION_HOURS = 2
"""The workflow asks for as much (`role-duration-seconds`): a canary takes its time after a long build."""
CDK_ROLES = ("deploy", "file-publishing", "lookup")


class DeployRoleStack(Stack):
    """No key is stored anywhere: GitHub's token for one repository and one environment opens this role."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: str,
        repository: str,
        images: ecr.IRepository,
        models: s3.IBucket,
        model_prefix: str,
        promoted_from: str | None = None,
        regions: tuple[str, ...],
        env: Environment,
    ) -> None:
        """`regions` are those that the environment's stacks lie in."""
        super().__init__(scope, id, env=env)
        provider = iam.OidcProviderNative(
            self, "GitHub", url=f"https://{ISSUER}", client_ids=["sts.amazonaws.com"]
        )
        self.role = iam.Role(
            self,
            "Role",
            role_name=f"ganymede-{environment}-deploy",
            inline_policies={"ReadModels": read_prefix(models, model_prefix)},  # what the proof compares with
            max_session_duration=Duration.hours(MAX_SESSION_HOURS),
            assumed_by=iam.WebIdentityPrincipal(
                provider.oidc_provider_arn,
                conditions={
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        f"{ISSUER}:sub": f"repo:{repository}:environment:{environment}",
                    }
                },
            ),
        )
        images.grant_pull_push(self.role)
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["ecr:DescribeImages", "ecr:DescribeImageScanFindings"],
                resources=[images.repository_arn],
            )
        )
        self._let_the_proof_in(environment)
        if promoted_from:
            self._let_images_in(promoted_from)
        qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
        names = [
            f"cdk-{qualifier}-{kind}-role-{self.account}-{region}" for region in regions for kind in CDK_ROLES
        ]
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[f"arn:aws:iam::{self.account}:role/{name}" for name in names],
            )
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudformation:DescribeStacks"],
                resources=[
                    f"arn:aws:cloudformation:{region}:{self.account}:stack/Ganymede-{environment}-*/*"
                    for region in regions
                ],
            )
        )
        acknowledge(
            self.role,
            {
                "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken has no narrower resource.",
                objects_finding(models, model_prefix): "The models, no more.",
                f"AwsSolutions-IAM5[Resource::arn:aws:ec2:{self.region}:<AWS::AccountId>:security-group/*]": (
                    "Bound by the tags of this environment's load balancer."
                ),
                f"AwsSolutions-IAM5[Resource::arn:aws:ecr:{self.region}:{promoted_from}:repository/*]": (
                    "CloudFormation named that repository, whose own policy has to agree."
                ),
                **{
                    f"AwsSolutions-IAM5[Resource::arn:aws:cloudformation:{region}:<AWS::AccountId>"
                    f":stack/Ganymede-{environment}-*/*]": "A stack's ARN ends with an id of its own."
                    for region in regions
                },
            },
        )
        CfnOutput(self, "RoleArn", value=self.role.role_arn)

    def _let_the_proof_in(self, environment: str) -> None:
        """A hosted runner is outside `client_cidr`: it lets its own address in for as long as it asks."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
                resources=[f"arn:aws:ec2:{self.region}:{self.account}:security-group/*"],
                conditions={
                    "StringEquals": {
                        "aws:ResourceTag/project": "ganymede",
                        "aws:ResourceTag/environment": environment,
                    }
                },
            )
        )

    def _let_images_in(self, account: str) -> None:
        """Copy what was proven in `account`; its repository's policy has to agree."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                resources=[f"arn:aws:ecr:{self.region}:{account}:repository/*"],
            )
        )
