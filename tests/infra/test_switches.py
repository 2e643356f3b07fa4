"""What AWS has once only, and has no name of ours: a switch of an option never needs it twice at a time.

CloudFormation makes and changes first what is new, and deletes afterwards what is left over.
"""

import itertools
import json

import pytest

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture
def switches(options):
    """Every change from one option to another: the Service stack's resources before and after."""
    resources = {name: each.template("Service")["Resources"] for name, each in options.items()}
    assert len(resources) >= 9
    return {
        f"{before} → {after}": (resources[before], resources[after])
        for before, after in itertools.permutations(resources, 2)
    }


def of_kind(resources, kind):
    return {
        name: each["Properties"] for name, each in resources.items() if each["Type"].endswith(f"::{kind}")
    }


def named(reference):
    """The logical names in a reference, however it is written."""
    return json.dumps(reference, sort_keys=True)


def balancers(resources):
    """Each load balancer with what makes it another one: inside or out."""
    return {name: (name, each["Scheme"]) for name, each in of_kind(resources, "LoadBalancer").items()}


def places(resources):
    """What AWS holds one of at each place: the place to the logical name."""
    balancer = balancers(resources)
    listeners = {
        name: (*balancer[each["LoadBalancerArn"]["Ref"]], each["Port"])
        for name, each in of_kind(resources, "Listener").items()
    }
    rules = {
        name: (*listeners[each["ListenerArn"]["Ref"]], each["ListenerArn"]["Ref"], each["Priority"])
        for name, each in of_kind(resources, "ListenerRule").items()
    }
    ways = {
        name: (kind, *(named(each.get(field)) for field in WAY))
        for kind in ("SecurityGroupIngress", "SecurityGroupEgress")
        for name, each in of_kind(resources, kind).items()
    }
    taken = [*listeners.items(), *rules.items(), *ways.items()]
    found = {place: name for name, place in taken}
    assert len(found) == len(taken), "one place, two things"
    return found


WAY = (
    *("GroupId", "IpProtocol", "FromPort", "ToPort"),
    *("CidrIp", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourcePrefixListId"),
)


def test_no_switch_puts_a_second_thing_where_aws_has_one(switches):
    """A listener on a port, a rule of a priority, a way through a security group."""
    for switch, (before, after) in switches.items():
        old, new = places(before), places(after)
        assert any(len(place) == 3 for place in new)
        for place in old.keys() & new.keys():
            assert old[place] == new[place], f"{switch}: {place}"


def test_no_switch_hangs_a_target_group_on_a_second_load_balancer(switches):
    for switch, (before, after) in switches.items():
        [old], [new] = balancers(before).values(), balancers(after).values()
        groups = of_kind(before, "TargetGroup").keys() & of_kind(after, "TargetGroup").keys()
        assert (old == new) or not groups, f"{switch}: {groups} has two for a while"
        assert groups or old != new


def test_no_switch_takes_a_capacity_provider_from_a_service_that_still_runs_on_it(switches):
    for switch, (before, after) in switches.items():
        old, new = (of_kind(each, "ClusterCapacityProviderAssociations") for each in (before, after))
        for name in old.keys() & new.keys():
            providers = [{named(p) for p in each[name]["CapacityProviders"]} for each in (old, new)]
            assert providers[0] <= providers[1], f"{switch}: {name}"


def test_a_service_has_its_capacity_before_it_is_made_and_until_it_is_gone(options):
    seen = set()
    for option, assembly in options.items():
        resources = assembly.template("Service")["Resources"]
        [service] = [each for each in resources.values() if each["Type"] == "AWS::ECS::Service"]
        strategy = service["Properties"].get("CapacityProviderStrategy", [])
        bound = of_kind(resources, "ClusterCapacityProviderAssociations")
        for each in strategy:
            [name] = [
                name
                for name, association in bound.items()
                if each["CapacityProvider"] in association["CapacityProviders"]
                and association["Cluster"] == service["Properties"]["Cluster"]
            ]
            assert name in service["DependsOn"], option
            seen.add(named(each["CapacityProvider"]))
    assert len(seen) == 2, "spare capacity, and GPUs"


def test_hosts_can_be_taken_down_with_their_group(options, prod):
    """Where one is protected, CloudFormation waits for its end in vain, and it goes on costing."""
    for assembly in (options["gpu"], prod):
        resources = assembly.template("Service")["Resources"]
        [group] = of_kind(resources, "AutoScalingGroup").values()
        [provider] = of_kind(resources, "CapacityProvider").values()
        assert not group.get("NewInstancesProtectedFromScaleIn", False)
        assert provider["AutoScalingGroupProvider"]["ManagedTerminationProtection"] == "DISABLED"
        assert provider["AutoScalingGroupProvider"]["ManagedDraining"] == "ENABLED"
