"""The role of SageMaker training jobs: pictures in, checkpoints and runs out, new releases published."""

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import objects_finding, read_prefix, write_prefix
from infra.constructs.sagemaker_model import TRUSTED, observe, observe_reasons
from infra.constructs.trust import trust

DATA_PREFIX, RUNS_PREFIX = "data", "runs"
VERSIONS = "*/versions/"
"""What a job may add to a model; which version is in production (`aliases.json`) a person decides."""


class TrainingStack(Stack):
    """Reads `data/`, writes `runs/` and new versions of models; promotes none, deletes nothing."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        images: ecr.IRepository,
        model_prefix: str,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        self.role = iam.Role(
            self,
            "TrainingRole",
            assumed_by=trust(self, TRUSTED),
            inline_policies={
                "ReadData": read_prefix(bucket, DATA_PREFIX),
                "WriteRuns": write_prefix(bucket, RUNS_PREFIX),
                "PublishModels": write_prefix(bucket, model_prefix, below=VERSIONS),
                "Observe": observe(self),
            },
        )
        images.grant_pull(self.role)
        why = "All objects of one prefix."
        prefixes = (DATA_PREFIX, RUNS_PREFIX, model_prefix, f"{model_prefix}/{VERSIONS[:-1]}")
        acknowledge(
            self.role,
            {
                **{objects_finding(bucket, prefix): why for prefix in prefixes},
                **observe_reasons(self),
                "AwsSolutions-IAM5[Resource::*]": "GetAuthorizationToken and PutMetricData take no resource.",
            },
        )
        CfnOutput(self, "RoleArn", value=self.role.role_arn)
