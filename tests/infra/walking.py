"""Every resource of every stack of an environment, and what its roles may do."""

import json


def resources(assembly, kind):
    """The properties of all resources of `kind` in all stacks, by stack and logical name."""
    return {
        f"{path.name.split('.')[0]}/{name}": each.get("Properties", {})
        for path in assembly.folder.glob("*.template.json")
        for name, each in json.loads(path.read_text())["Resources"].items()
        if each["Type"] == kind
    }


def statements_of(assembly, stack):
    """Every statement of every role and policy of a stack."""
    policies = [
        *(policy for role in assembly.find(stack, "AWS::IAM::Role") for policy in role.get("Policies", [])),
        *assembly.find(stack, "AWS::IAM::Policy"),
    ]
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
