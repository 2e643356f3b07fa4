"""What lasts: the bucket of models and the repositories of images."""

from aws_cdk import Duration, Environment, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge

KEPT_IMAGES = 50
OLD_VERSION_DAYS = 90
LOG_DAYS = 365


class StorageStack(Stack):
    """A versioned, encrypted, TLS-only bucket of models; its access logs; two image repositories."""

    def __init__(self, scope: Construct, id: str, *, environment: str, env: Environment) -> None:
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
                )
            ],
        )
        self.images = self._repository("Images", f"ganymede-{environment}")
        self.agent_images = self._repository("AgentImages", f"ganymede-{environment}-cloudwatch-agent")
        Tags.of(self).add("data", "models")

    def _bucket(self, id: str, **properties: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=RemovalPolicy.RETAIN,
            **properties,
        )

    def _repository(self, id: str, name: str) -> ecr.Repository:
        repository = ecr.Repository(
            self,
            id,
            repository_name=name,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.AES_256,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=KEPT_IMAGES)],
        )
        acknowledge(
            repository,
            {"CKV_AWS_136": "Images hold no secret; the service's own AES-256 key costs nothing to run."},
        )
        return repository
