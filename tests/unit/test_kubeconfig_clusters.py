# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which clusters a kubeconfig has, by the hosts of a play and the environments that they belong to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.ekspress.eks.plugins.filter.kubeconfig_clusters import kubeconfig_clusters
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

HOSTS: list[dict[str, Any]] = [
    {"inventory_hostname": "blue", "cluster_stable_name": "api.example.com", "cluster_region": "eu-central-1"},
    {"inventory_hostname": "alone", "cluster_name": "other", "cluster_profile": "x"},
    {"inventory_hostname": "green", "cluster_stable_name": "API.example.com.", "cluster_assume_role_arn": ""},
    {"inventory_hostname": "elsewhere", "cluster_stable_name": "api.example.org"},
    {"inventory_hostname": "localhost"},
]


def names(*hosts: str) -> list[str]:
    return [item["name"] for item in kubeconfig_clusters(HOSTS, list(hosts))]


def test_a_host_brings_its_environment() -> None:
    assert names("green") == ["blue", "green"]
    assert names("alone") == ["other"]
    assert names("localhost") == ["localhost"]
    assert names("blue", "elsewhere") == ["blue", "green", "elsewhere"]
    assert names() == []


def test_only_what_is_set_is_given() -> None:
    assert kubeconfig_clusters(HOSTS, ["blue", "alone"]) == [
        {"name": "blue", "region": "eu-central-1", "stable_name": "api.example.com"},
        {"name": "other", "profile": "x"},
        {"name": "green", "stable_name": "API.example.com."},
    ]


def test_one_name_is_of_one_account() -> None:
    def role(account: str) -> dict[str, str]:
        return {"cluster_assume_role_arn": f"arn:aws:iam::{account}:role/ekspress"}

    same = [HOSTS[0] | role("111111111111"), HOSTS[2] | role("111111111111")]
    assert len(kubeconfig_clusters(same, ["blue"])) == 2
    mixed = [HOSTS[0] | role("111111111111"), HOSTS[2] | role("222222222222")]
    with pytest.raises(EksError, match=r"blue \(account 111111111111\) and for green \(account 222222222222\)"):
        kubeconfig_clusters(mixed, ["blue"])
    assert kubeconfig_clusters([*mixed, HOSTS[1]], ["alone"]) == [{"name": "other", "profile": "x"}]


def test_it_takes_what_templates_give_it() -> None:
    text = "{{ hosts | map('extract', all) | ekspress.eks.kubeconfig_clusters(['alone']) }}"
    known = {host["inventory_hostname"]: host for host in HOSTS}
    templar = Templar(DataLoader(), {"all": known, "hosts": list(known)})
    assert json.loads(json.dumps(templar.template(trust_as_template(text)))) == [{"name": "other", "profile": "x"}]
