import json

import pytest

pytestmark = pytest.mark.xdist_group("infra")


def statements(*policies):
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def statements_of(assembly, stack, role):
    """Every statement of the role whose logical id starts with `role`: inline and attached."""
    resources = assembly.template(stack)["Resources"]
    [name] = [n for n, r in resources.items() if r["Type"] == "AWS::IAM::Role" and n.startswith(role)]
    attached = [
        r["Properties"]
        for r in resources.values()
        if r["Type"] == "AWS::IAM::Policy" and {"Ref": name} in r["Properties"]["Roles"]
    ]
    return statements(*resources[name]["Properties"]["Policies"], *attached)


def ends(resource):
    """The path behind the bucket's name in an ARN that CloudFormation joins."""
    return resource["Fn::Join"][1][-1]


def test_the_bucket_of_models_is_versioned_encrypted_private_and_logged(prod):
    bucket = prod.one("Storage", "AWS::S3::Bucket", containing="NoncurrentVersionExpiration")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["LoggingConfiguration"]["LogFilePrefix"] == "models/"


def test_every_bucket_refuses_what_does_not_come_over_tls(prod):
    policies = prod.find("Storage", "AWS::S3::BucketPolicy")
    assert len(policies) == len(prod.find("Storage", "AWS::S3::Bucket"))
    for policy in policies:
        denied = [s for s in statements(policy) if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in denied]


def test_what_lasts_survives_the_removal_of_its_stack(prod):
    resources = prod.template("Storage")["Resources"].values()
    kept = [r for r in resources if r["Type"] in ("AWS::S3::Bucket", "AWS::ECR::Repository")]
    assert {r["DeletionPolicy"] for r in kept} == {"RetainExceptOnCreate"}


def test_an_image_tag_cannot_be_moved_and_every_push_is_scanned(prod):
    for repository in prod.find("Storage", "AWS::ECR::Repository"):
        assert repository["ImageTagMutability"] == "IMMUTABLE"
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_unfinished_uploads_and_old_versions_of_models_go_away(prod):
    bucket = prod.one("Storage", "AWS::S3::Bucket", containing="VersioningConfiguration")
    [rule] = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" not in rule]
    assert rule["Status"] == "Enabled"
    assert not {"Prefix", "TagFilters", "ObjectSizeLessThan"} & set(rule), "for every object"
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert "ExpirationInDays" not in rule, "what is current stays"


@pytest.mark.parametrize(("stack", "role"), [("Service", "TaskRole"), ("Realtime", "ExecutionRole")])
def test_a_reader_may_read_one_prefix_of_one_bucket_and_nothing_else(dev, prod, stack, role):
    for assembly in (dev, prod):
        may = [s for s in statements_of(assembly, stack, role) if "s3:" in json.dumps(s["Action"])]
        read, listed = may
        assert read["Action"] == "s3:GetObject"
        assert ends(read["Resource"]).endswith("/models/*")
        assert listed["Action"] == "s3:ListBucket"
        assert listed["Condition"] == {"StringLike": {"s3:prefix": ["models/*"]}}
        assert {s["Effect"] for s in may} == {"Allow"}
        assert "ModelsC55D3500Arn" in json.dumps(read["Resource"])


def test_bulk_orders_reach_their_own_prefixes_besides(prod):
    may = [s for s in statements_of(prod, "Bulk", "ExecutionRole") if "s3:" in json.dumps(s["Action"])]
    assert {ends(s["Resource"]) for s in may if "s3:PutObject" in s["Action"]} == {
        "/bulk/out/*",
        "/bulk/out-failed/*",
    }
    read = {ends(s["Resource"]) for s in may if "s3:GetObject" in s["Action"]}
    assert read == {"/models/*", "/bulk/in/*", "/bulk/out/*"}


def test_no_role_may_delete_or_do_everything(dev, prod):
    for assembly in (dev, prod):
        for stack in ("Service", "Realtime", "Bulk", "Training", "DeployRole"):
            roles = assembly.find(stack, "AWS::IAM::Role")
            policies = [p for role in roles for p in role.get("Policies", [])]
            for statement in statements(*policies, *assembly.find(stack, "AWS::IAM::Policy")):
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                assert "*" not in actions
                assert not [a for a in actions if a.startswith("s3:") and ("Delete" in a or "*" in a)]
