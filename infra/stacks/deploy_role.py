"""The role of GitHub's workflows, taken on by OIDC: push images, deploy through the CDK's own roles."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Duration, Environment, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge

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
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        provider = iam.OidcProviderNative(
            self, "GitHub", url=f"https://{ISSUER}", client_ids=["sts.amazonaws.com"]
        )
        self.role = iam.Role(
            self,
            "Role",
            role_name=f"ganymede-{environment}-deploy",
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
        qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
        names = [f"cdk-{qualifier}-{kind}-role-{self.account}-{self.region}" for kind in CDK_ROLES]
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
                    f"arn:aws:cloudformation:{self.region}:{self.account}:stack/Ganymede-{environment}-*/*"
                ],
            )
        )
        acknowledge(
            self.role,
            {
                "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken has no narrower resource.",
                f"AwsSolutions-IAM5[Resource::arn:aws:cloudformation:{self.region}:<AWS::AccountId>"
                f":stack/Ganymede-{environment}-*/*]": "A stack's ARN ends with an id of its own.",
            },
        )
        CfnOutput(self, "RoleArn", value=self.role.role_arn)
