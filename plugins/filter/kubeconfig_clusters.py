# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import bare_name
from ansible_collections.ekspress.eks.plugins.plugin_utils._filters import explained

DOCUMENTATION = r"""
name: kubeconfig_clusters
author: [ekspress.eks contributors (@ekspress)]
version_added: 1.0.0
short_description: The clusters of a kubeconfig, from the variables of hosts
description:
  - Gives, as M(ekspress.eks.kubeconfig) takes them, the clusters of some hosts and all others of their environments,
    which have the same C(cluster_stable_name).
  - So a kubeconfig trusts both clusters of an environment also in a run that is limited to one of them, or in a slice
    of an AWX job.
  - Fails where clusters of several accounts, told by C(cluster_assume_role_arn), have the same stable name. That is a
    name which was copied from another environment, and each would be trusted in the place of the other.
positional: hosts
options:
  _input:
    description:
      - The variables of all hosts. C(cluster_name), C(cluster_region), C(cluster_profile), C(cluster_assume_role_arn),
        C(cluster_assume_role_external_id) and C(cluster_stable_name) count.
    type: list
    elements: dict
    required: true
  hosts:
    description: Names of the hosts that are asked for.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show which clusters a kubeconfig of this play would have
  ansible.builtin.debug:
    msg: "{{ groups['eks'] | map('extract', hostvars) | ekspress.eks.kubeconfig_clusters(ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: The clusters, in the order of their hosts.
  type: list
  elements: dict
"""

OPTIONS = {
    "region": "cluster_region",
    "profile": "cluster_profile",
    "assume_role_arn": "cluster_assume_role_arn",
    "assume_role_external_id": "cluster_assume_role_external_id",
    "stable_name": "cluster_stable_name",
}


def kubeconfig_clusters(variables: Iterable[Mapping[str, Any]], hosts: list[str]) -> list[dict[str, str]]:
    known = list(variables)
    asked = {name for host in known if host["inventory_hostname"] in hosts and (name := _stable_name(host))}
    _check_accounts([host for host in known if _stable_name(host) in asked])
    return [_cluster(host) for host in known if host["inventory_hostname"] in hosts or _stable_name(host) in asked]


def _stable_name(host: Mapping[str, Any]) -> str:
    return bare_name(str(host.get("cluster_stable_name") or ""))


def _check_accounts(hosts: Iterable[Mapping[str, Any]]) -> None:
    """EksError where hosts of one stable name are of different accounts, as far as their roles tell."""
    first: dict[str, tuple[str, str]] = {}
    for host in hosts:
        parts = str(host.get("cluster_assume_role_arn") or "").split(":")
        if len(parts) < 6:
            continue
        name, account = _stable_name(host), parts[4]
        other, theirs = first.setdefault(name, (host["inventory_hostname"], account))
        if theirs != account:
            raise EksError(
                f"cluster_stable_name is {name} for {other} (account {theirs}) and for {host['inventory_hostname']} "
                f"(account {account}). An environment's clusters are of one account: give each environment a name."
            )


def _cluster(host: Mapping[str, Any]) -> dict[str, str]:
    given = {option: host.get(variable) for option, variable in OPTIONS.items()}
    name = host.get("cluster_name") or host["inventory_hostname"]
    return {"name": name, **{option: value for option, value in given.items() if value}}


class FilterModule:
    """Filters of kubeconfigs."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubeconfig_clusters": explained(kubeconfig_clusters)}
