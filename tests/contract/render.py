# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a role's specification and IAM policy become for a cluster, filled in by Ansible's own templating."""

from __future__ import annotations

import json
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.contract.extract import ROOT

REGIONS = {
    "aws": "eu-central-1",
    "aws-cn": "cn-north-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-us-gov": "us-gov-west-1",
}

DNS_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}

REQUIRED: dict[str, dict[str, Any]] = {
    "external_dns": {
        "external_dns_instances": [
            {"name": "public", "zone_type": "public", "zones": ["sandbox.example.com"]},
            {"name": "private", "zone_type": "private", "zones": ["internal.sandbox.example.com"]},
        ]
    }
}
"""Variables that a role must be given, such as fit the sandbox."""


def read_before(role: str, variables: dict[str, Any]) -> dict[str, Any]:
    """What the tasks of a role's specification would have read for a cluster."""
    if role != "external_dns":
        return {}
    partition = variables["cluster_facts"]["partition"]
    names = {"ZPUBLIC": "sandbox.example.com", "ZPRIVATE": "internal.sandbox.example.com"}
    zones = [
        {
            "id": zone_id,
            "arn": f"arn:{partition}:route53:::hostedzone/{zone_id}",
            "name": name,
            "private": zone_id == "ZPRIVATE",
            "linked_service": "",
            "associated": True if zone_id == "ZPRIVATE" else None,
        }
        for zone_id, name in names.items()
    ]
    return {"__external_dns_zones": {"zones": zones}}


def cluster_variables(partition: str = "aws", name: str = "production-blue") -> dict[str, Any]:
    """The variables of a cluster as the role ``cluster`` gives them."""
    return {
        "cluster_name": name,
        "cluster_facts": {
            "name": name,
            "partition": partition,
            "region": REGIONS[partition],
            "account": "111122223333",
            "vpc_id": "vpc-0a1b2c3d4e5f67890",
            "auto_mode": False,
            "version": "1.34",
            "dns_suffix": DNS_SUFFIXES[partition],
            "fargate_profiles": [],
            "node_groups": [
                {
                    "name": "general",
                    "auto_scaling_group_names": ["eks-general-1"],
                    "labels": {"tier": "web"},
                    "taints": [{"key": "dedicated", "value": "web", "effect": "NO_SCHEDULE"}],
                }
            ],
            "auto_scaling_groups": [
                {"name": "eks-general-1", "node_group": "general", "tags": {}},
                {"name": f"{name}-spot", "node_group": "", "tags": {}},
            ],
        },
    }


def role_variables(role: str) -> dict[str, Any]:
    """Defaults and vars of a role, not filled in yet."""
    loader = DataLoader()
    found: dict[str, Any] = {}
    for kind in ("defaults", "vars"):
        path = str(ROOT / "roles" / role / kind / "main.yml")
        found |= loader.load_from_file(path, trusted_as_template=True) or {}
    return found


def all_variables(role: str, variables: dict[str, Any]) -> dict[str, Any]:
    """A role's variables, with those that it must be given and what it would have read."""
    return role_variables(role) | REQUIRED.get(role, {}) | read_before(role, variables) | variables


def policy(role: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The IAM policy of a role's only identity."""
    (identity,) = specification(role, variables)["identities"]
    ((_name, document),) = identity["policies"].items()
    return dict(document)


def specification(role: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The role's ``__<role>_spec``, its policy filled in, as the role ``addon`` sees it."""
    everything = {"role_path": str(ROOT / "roles" / "addon")} | all_variables(role, variables)
    filled = _templar(everything).template(everything[f"__{role}_spec"])
    found: dict[str, Any] = json.loads(json.dumps(filled))
    return found


def _templar(variables: dict[str, Any]) -> Templar:
    return Templar(loader=DataLoader(), variables=variables)
