"""What lasts: the bucket of models and the repositories of images."""

from aws_cdk import CfnOutput, Duration, Environment, Stack, Tags
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import BULK_PREFIX
from infra.constructs.retention import KEPT

KEPT_RELEASES = 50
OLD_VERSION_DAYS = 90
LOG_DAYS = 365
BULK_DAYS, OLD_BULK_DAYS = 30, 7
RELEASE_TAG = "release-"
"""What the tag of a release's image begins with; what is attached to one goes with it."""


class StorageStack(Stack):
    """A versioned, encrypted, TLS-only bucket of models; its access logs; two image repositories."""

    def __init__(
        self, scope: Construct, id: str, *, promoted_to: str | None = None, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, termination_protection=True)
        self.logs = self._bucket(
            "Logs",
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(LOG_DAYS))],
        )
        acknowledge(
            self.logs,
            {
                "AwsSolutions-S1": "This bucket holds the access logs; logging itself would never end.",
                "CKV_AWS_18": "This bucket holds the access logs; logging itself would never end.",
                "CKV_AWS_21": "Logs are written once and expire; old versions of them help nobody.",
            },
        )
        self.models = self._bucket(
            "Models",
            versioned=True,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="models/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=Duration.days(OLD_VERSION_DAYS),
                ),
                s3.LifecycleRule(
                    prefix=BULK_PREFIX,
                    expiration=Duration.days(BULK_DAYS),
                    noncurrent_version_expiration=Duration.days(OLD_BULK_DAYS),
                ),
            ],
        )
        self.images = self._repository("Images")
        self.agent_images = self._repository("AgentImages")
        if promoted_to:
            self.images.grant_pull(iam.AccountPrincipal(promoted_to))
        Tags.of(self).add("data", "models")
        # Told whoever reads them now: an export that a stack reads can go no more.
        for bucket in (self.models, self.logs):
            self.export_value(bucket.bucket_arn)
            self.export_value(bucket.bucket_name)
        for repository in (self.images, self.agent_images):
            self.export_value(repository.repository_arn)
            self.export_value(repository.repository_name)
        CfnOutput(self, "Bucket", value=self.models.bucket_name)
        CfnOutput(self, "Repository", value=self.images.repository_uri)
        CfnOutput(self, "AgentRepository", value=self.agent_images.repository_uri)

    def _bucket(self, id: str, **properties: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=KEPT,
            **properties,
        )

    def _repository(self, id: str) -> ecr.Repository:
        repository = ecr.Repository(
            self,
            id,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.AES_256,
            removal_policy=KEPT,
            lifecycle_rules=[
                ecr.LifecycleRule(tag_pattern_list=[f"{RELEASE_TAG}*"], max_image_count=KEPT_RELEASES)
            ],
        )
        acknowledge(
            repository,
            {"CKV_AWS_136": "Images hold no secret; the service's own AES-256 key costs nothing to run."},
        )
        return repository
