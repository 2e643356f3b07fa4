"""Who may do what below one prefix of the models' bucket."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

MODELS_EXPORT = "ExportsOutputFnGetAttModelsC55D3500ArnC820EBA0"
"""The name that CDK gives the bucket's ARN in other stacks; cdk-nag's findings there contain it."""


BULK_PREFIX = "bulk/"
"""Orders and their answers, which expire."""


def read_prefix(bucket: s3.IBucket, prefix: str) -> iam.PolicyDocument:
    """Read the objects under one prefix of `bucket` and list that prefix: all that a reader needs."""
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{prefix}/*")]),
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": [f"{prefix}/*"]}},
            ),
        ]
    )


def write_prefix(bucket: s3.IBucket, prefix: str, *, below: str = "") -> iam.PolicyDocument:
    """What a reader may, and add objects under the prefix, of it `below`; never delete."""
    document = read_prefix(bucket, prefix)
    document.add_statements(
        iam.PolicyStatement(
            actions=["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            resources=[bucket.arn_for_objects(f"{prefix}/{below}*")],
        )
    )
    return document


def objects_finding(bucket: s3.IBucket, prefix: str) -> str:
    """cdk-nag's name for "all objects under this prefix of the models' bucket" in another stack."""
    return f"AwsSolutions-IAM5[Resource::{Stack.of(bucket).stack_name}:{MODELS_EXPORT}/{prefix}/*]"
