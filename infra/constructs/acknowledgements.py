"""Findings of cdk-nag and checkov that stay, each with its reason, beside the construct that has it."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, CfnResource, Validations
from constructs import IConstruct

CHECKOV_METADATA = "checkov"


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings named in `reasons` on `construct` and below: id to reason.

    An id of checkov's (`CKV_AWS_18`) goes into the metadata of the resources, where checkov looks for it;
    any other is cdk-nag's.
    """
    nag = {rule: reason for rule, reason in reasons.items() if not rule.startswith("CKV")}
    if nag:
        Validations.of(construct).acknowledge(
            *(Acknowledgment(id=rule, reason=reason) for rule, reason in nag.items())
        )
    skips = [{"id": rule, "comment": reason} for rule, reason in reasons.items() if rule.startswith("CKV")]
    if skips:
        for child in construct.node.find_all():
            if isinstance(child, CfnResource):
                _skip(child, skips)


def _skip(resource: CfnResource, skips: list[dict[str, str]]) -> None:
    earlier = (resource.get_metadata(CHECKOV_METADATA) or {}).get("skip", [])
    resource.add_metadata(CHECKOV_METADATA, {"skip": [*earlier, *skips]})
