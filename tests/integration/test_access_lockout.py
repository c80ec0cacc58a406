# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ways to lock people and nodes out of a cluster: each is refused with a reason, and before anything is written.

With force it is done, and somebody with a token is kept out; a backup, or an access entry, lets them in again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries, _aws_auth
from ansible_collections.ekspress.eks.plugins.module_utils._context import Logic

from tests.doors import ACCOUNT, Doors, Keys, Known, known
from tests.support import run_logic, wait_until

MASTERS, NODES = "system:masters", "system:nodes"
CREATOR = f"arn:aws:iam::{ACCOUNT}:user/moto"
NODE_NAME = "system:node:{{EC2PrivateDNSName}}"
ITSELF = "it is the entry by which this task itself has access"
LETS_NODES_IN = "it lets nodes in (group system:nodes)"
LAST_ADMIN = "nobody would be left in aws-auth with the group system:masters"


def item(arn: str, username: str, *groups: str) -> dict[str, Any]:
    """An entry as the module takes it."""
    return {"arn": arn, "username": username, "groups": list(groups)}


@dataclass
class Team:
    """An operator, a deputy and nodes, in aws-auth by somebody else's hand."""

    doors: Doors
    tag: str
    operator: str = ""
    deputy: str = ""
    node: str = ""
    instance: str = ""
    usual: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        doors = self.doors
        self.operator = doors.role(f"{self.tag}-operator", "/teams/")
        self.deputy, self.node = (doors.role(f"{self.tag}-{name}") for name in ("deputy", "node"))
        self.instance, host = doors.instance()
        self.usual = {
            self.operator: known("operator:alice", MASTERS),
            self.deputy: known("deputy:alice", MASTERS),
            self.node: known(f"system:node:{host}", NODES),
        }

    def in_aws_auth(self, arn: str) -> str:
        """The ARN of a role as aws-auth must have it."""
        return arn.replace("/teams/", "/")

    def entry(self, arn: str, **fields: Any) -> dict[str, Any]:
        """The entry of one of them, for the module."""
        usual = {
            self.operator: item(self.operator, "operator:{{SessionName}}", MASTERS),
            self.deputy: item(self.deputy, "deputy:{{SessionName}}", MASTERS),
            self.node: item(self.node, NODE_NAME, NODES),
        }[arn]
        return {**usual, **fields}

    def text(self, *arns: str) -> str:
        """Their entries as somebody writes them into aws-auth."""
        entries = [self.entry(arn) for arn in arns]
        return yaml.safe_dump(
            [
                {"rolearn": self.in_aws_auth(one["arn"]), "username": one["username"], "groups": one["groups"]}
                for one in entries
            ]
        )

    def keys(self, arn: str) -> Keys:
        """Keys of a new session."""
        if arn == CREATOR:
            return self.doors.creator
        return self.doors.session(arn, self.instance if arn == self.node else "alice")

    def is_in(self, arn: str) -> None:
        """Wait until somebody is let in as usual."""
        self.becomes(arn, self.usual[arn])

    def becomes(self, arn: str, user: Known | None) -> None:
        """Wait until somebody is taken for somebody, or kept out."""
        wait_until(lambda: self.doors.who(self.keys(arn)) == user, f"{user} for {arn}")

    def run(
        self, caller: str, logic: Logic = _aws_auth.LOGIC, *, check: bool = False, **options: Any
    ) -> dict[str, Any]:
        """Run a module as somebody."""
        known_options = {"cluster": self.doors.cluster, "region": self.doors.entry["region"]}
        endpoint = {"endpoint_url": self.doors.aws.endpoint}
        return run_logic(logic, {**known_options, **endpoint, **self.keys(caller), **options}, check=check)

    def done(self, caller: str, **options: Any) -> dict[str, Any]:
        """Run aws_auth as somebody, who succeeds and changes something."""
        result = self.run(caller, **options)
        assert result["changed"], result
        return result

    def refused(self, caller: str, reason: str, logic: Logic = _aws_auth.LOGIC, **options: Any) -> None:
        """Run a module as somebody, who is told why nothing is written."""
        before = self.data()
        for check in (True, False):
            result = self.run(caller, logic, check=check, **options)
            assert result.get("failed"), result
            assert reason in result["msg"], result["msg"]
        assert self.data() == before

    def data(self) -> dict[str, str]:
        """The texts of aws-auth."""
        with self.doors.admin() as kube:
            return dict(kube.get("/api/v1/namespaces/kube-system/configmaps/aws-auth").get("data") or {})


@pytest.fixture
def team(doors: Doors) -> Team:
    """All of them in, with the operator's and the deputy's rights the same."""
    made = Team(doors, f"x{uuid.uuid4().hex[:10]}")
    doors.aws_auth(mapRoles=made.text(made.operator, made.deputy, made.node))
    for arn in made.usual:
        made.is_in(arn)
    return made


Case = Callable[[Team], tuple[str, str, str, Known | None, dict[str, Any]]]
"""Who runs the module, the reason why not, who would lose, what they are taken for then, and the options."""


def _own_entry_removed(team: Team) -> tuple[str, str, str, Known | None, dict[str, Any]]:
    return team.operator, ITSELF, team.operator, None, {"roles": [{"arn": team.operator}], "state": "absent"}


def _own_group_dropped(team: Team) -> tuple[str, str, str, Known | None, dict[str, Any]]:
    weaker = team.entry(team.operator, groups=["readonly"])
    return team.operator, ITSELF, team.operator, known("operator:alice", "readonly"), {"roles": [weaker]}


def _own_username_changed(team: Team) -> tuple[str, str, str, Known | None, dict[str, Any]]:
    """Bindings to the old name would no longer count; with another administrator's group they do not matter."""
    other = team.entry(team.operator, username="somebody", groups=["readonly"])
    return team.operator, ITSELF, team.operator, known("somebody", "readonly"), {"roles": [other]}


def _node_role_removed(team: Team) -> tuple[str, str, str, Known | None, dict[str, Any]]:
    return team.operator, LETS_NODES_IN, team.node, None, {"roles": [{"arn": team.node}], "state": "absent"}


def _node_username_changed(team: Team) -> tuple[str, str, str, Known | None, dict[str, Any]]:
    other = team.entry(team.node, username="system:node:{{SessionName}}")
    user = known(f"system:node:{team.instance}", NODES)
    return team.operator, LETS_NODES_IN, team.node, user, {"roles": [other]}


def _last_administrator_removed(team: Team) -> tuple[str, str, str, Known | None, dict[str, Any]]:
    both = [{"arn": arn} for arn in (team.operator, team.deputy)]
    return CREATOR, LAST_ADMIN, team.deputy, None, {"roles": both, "state": "absent"}


@pytest.mark.parametrize(
    "case",
    [
        _own_entry_removed,
        _own_group_dropped,
        _own_username_changed,
        _node_role_removed,
        _node_username_changed,
        _last_administrator_removed,
    ],
)
def test_what_takes_access_away_is_refused_and_forced_and_undone(team: Team, case: Case) -> None:
    caller, reason, victim, then, options = case(team)
    before = team.data()
    team.refused(caller, reason, **options)
    assert team.doors.who(team.keys(victim)) == team.usual[victim]
    backup = team.done(caller, **options, force=True)["backup"]
    team.becomes(victim, then)
    back = team.done(CREATOR, state="restored", backup=backup, force=True)
    assert back["restored_from"] == backup
    assert team.data() == before
    team.is_in(victim)


def _let_in_by_the_module(team: Team, *arns: str) -> str:
    """Have the module itself write their entries; return the backup of what was before."""
    backup: str = team.done(CREATOR, roles=[team.entry(arn) for arn in arns])["backup"]
    for arn in arns:
        team.is_in(arn)
    return backup


def test_purge_with_an_empty_inventory(team: Team) -> None:
    team.doors.aws_auth(mapRoles=team.text(team.deputy))
    _let_in_by_the_module(team, team.operator, team.node)
    nothing: dict[str, Any] = {"roles": [], "users": [], "accounts": []}
    assert not team.run(team.operator, **nothing)["changed"], "an empty list alone takes nothing away"
    for reason in (ITSELF, LETS_NODES_IN):
        team.refused(team.operator, reason, **nothing, purge=True)
    backup = team.done(team.operator, **nothing, purge=True, force=True)["backup"]
    team.becomes(team.operator, None)
    team.becomes(team.node, None)
    team.is_in(team.deputy)
    team.done(team.deputy, state="restored", backup=backup)
    for arn in team.usual:
        team.is_in(arn)


def test_two_environments_on_one_cluster_by_access_entries(team: Team) -> None:
    """One purges what it does not list any more, and the other's people stay: each entry notes for whom it was made."""
    leaver = team.doors.role(f"{team.tag}-leaver")
    names = {team.operator: "operator", team.deputy: "deputy", leaver: "leaver"}
    team.doors.aws_auth()

    def converge(owner: str, *arns: str) -> dict[str, Any]:
        policies = [{"policy": "AmazonEKSClusterAdminPolicy"}]
        entries = [
            {"principal": arn, "username": f"{names[arn]}:{{{{SessionName}}}}", "policies": policies} for arn in arns
        ]
        owned: dict[str, Any] = {"owner": f"{team.tag}-{owner}", "entries": entries, "purge": True}
        result = team.run(CREATOR, _access_entries.LOGIC, **owned)
        assert not result.get("failed"), result
        return result

    converge("mine", team.operator)
    converge("theirs", team.deputy, leaver)
    for arn, name in names.items():
        team.becomes(arn, known(f"{name}:alice"))
    purged = [entry["principal"] for entry in converge("theirs", team.deputy)["entries"] if entry["purged"]]
    assert purged == [leaver]
    team.becomes(leaver, None)
    assert not converge("mine", team.operator)["changed"]
    for arn in (team.operator, team.deputy):
        team.becomes(arn, known(f"{names[arn]}:alice"))


def test_two_environments_on_one_cluster_by_aws_auth(team: Team) -> None:
    """Its record has no owners: people of the other inventory go, and no guard knows them; the backup brings them back.

    Who has two inventories lets people in by access entries, or purges from the one that lists all.
    """
    team.doors.aws_auth(mapRoles=team.text(team.node))
    _let_in_by_the_module(team, team.operator)
    _let_in_by_the_module(team, team.deputy)
    backup = team.done(team.deputy, roles=[team.entry(team.deputy)], purge=True)["backup"]
    team.becomes(team.operator, None)
    team.is_in(team.deputy)
    team.is_in(team.node)
    team.done(team.deputy, state="restored", backup=backup)
    team.is_in(team.operator)
    listed = [team.entry(team.operator), team.entry(team.deputy)]
    assert not team.run(team.deputy, roles=listed, purge=True)["changed"]


def test_two_environments_on_one_cluster_of_which_one_lists_the_nodes(team: Team) -> None:
    """One purges what its own inventory does not list, and it lists nothing of the other's."""
    team.doors.aws_auth()
    _let_in_by_the_module(team, team.operator, team.node)
    _let_in_by_the_module(team, team.deputy)
    theirs: dict[str, Any] = {"roles": [team.entry(team.deputy)], "purge": True}
    team.refused(team.deputy, LETS_NODES_IN, **theirs)
    team.is_in(team.operator)
    backup = team.done(team.deputy, **theirs, force=True)["backup"]
    team.becomes(team.operator, None)
    team.becomes(team.node, None)
    team.done(team.deputy, state="restored", backup=backup)
    team.is_in(team.operator)
    team.is_in(team.node)


def test_a_backup_without_the_caller(team: Team) -> None:
    team.doors.aws_auth(mapRoles=team.text(team.deputy))
    old = _let_in_by_the_module(team, team.operator)
    team.refused(team.operator, ITSELF, state="restored", backup=old)
    newest = team.done(team.operator, state="restored", backup=old, force=True)["backup"]
    team.becomes(team.operator, None)
    team.done(team.deputy, state="restored", backup=newest)
    team.is_in(team.operator)


def test_an_account_that_lets_the_caller_in(team: Team) -> None:
    """Whom only the account lets in has no entry of its own that a list could keep."""
    doors = team.doors
    binding = {
        "metadata": {"name": team.tag},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [
            {"kind": "User", "name": team.in_aws_auth(team.operator), "apiGroup": "rbac.authorization.k8s.io"}
        ],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    with doors.admin() as kube:
        assert kube.request("POST", path, binding)[0] == 201
    doors.aws_auth(mapRoles=team.text(team.deputy), mapAccounts=f'- "{ACCOUNT}"\n')
    user = known(team.in_aws_auth(team.operator))
    team.becomes(team.operator, user)
    gone: dict[str, Any] = {"accounts": [ACCOUNT], "state": "absent"}
    team.refused(team.operator, ITSELF, **gone)
    backup = team.done(team.operator, **gone, force=True)["backup"]
    team.becomes(team.operator, None)
    team.done(team.deputy, state="restored", backup=backup)
    team.becomes(team.operator, user)


def test_the_wrong_form_of_an_arn(team: Team) -> None:
    """No force helps: nobody could ever come in by such an entry."""
    for arn, reason in (
        (f"arn:aws:iam::{ACCOUNT}:user/{team.tag}", "is the ARN of a user: list it in users"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/{team.tag}", "in partition aws-cn"),
        (f"arn:aws:iam::{ACCOUNT}:root", "root user"),
        (f"arn:aws:iam::{ACCOUNT}:role/", "an invalid account, path or name"),
        (f"arn:aws:iam::12345:role/{team.tag}", "is not an ARN"),
        (team.tag, "is not an ARN"),
    ):
        for force in (False, True):
            team.refused(team.operator, reason, roles=[item(arn, "x", MASTERS)], force=force)


def test_a_path_in_an_arn(team: Team) -> None:
    """Somebody wrote the role's own ARN, path and all, and it lets nobody in; the module writes the one that does."""
    team.doors.aws_auth(mapRoles=team.text(team.deputy) + team.text(team.operator).replace("role/", "role/teams/"))
    team.becomes(team.operator, None)
    team.is_in(team.deputy)
    told = team.run(team.deputy, roles=[team.entry(team.operator)])
    assert told["ignored"] == [team.operator.lower()]
    assert told["roles"]["added"] == [team.in_aws_auth(team.operator)]
    team.is_in(team.operator)
    team.refused(team.operator, ITSELF, roles=[{"arn": team.operator}], state="absent")


def test_texts_that_are_broken(team: Team) -> None:
    """Somebody broke it with an editor: the module adds nothing to what nobody can read; it brings a backup back."""
    team.doors.aws_auth(mapRoles=team.text(team.deputy, team.node))
    _let_in_by_the_module(team, team.operator)
    team.done(team.operator, roles=[item(f"arn:aws:iam::{ACCOUNT}:role/x", "x")])
    whole = team.data()
    team.doors.aws_auth(mapRoles=whole["mapRoles"] + "- rolearn: [\n")
    for arn in team.usual:
        team.becomes(arn, None)
    for force in (False, True):
        team.refused(CREATOR, "line", roles=[team.entry(team.operator)], force=force)
    team.done(CREATOR, state="restored")
    for arn in team.usual:
        team.is_in(arn)


def test_duplicates_that_are_collapsed_to_less(team: Team) -> None:
    """Only the last of several entries counts: to drop the others takes nothing away, to drop it does."""
    weak = team.text(team.operator).replace(MASTERS, "readonly")
    team.doors.aws_auth(mapRoles=team.text(team.deputy) + weak + team.text(team.operator))
    team.is_in(team.operator)
    team.refused(team.operator, ITSELF, roles=[{"arn": team.operator}], state="absent")
    told = team.done(team.operator, roles=[team.entry(team.operator)], collapse_duplicates=True)
    assert any("remove a duplicate" in change for change in told["changes"])
    assert team.data()["mapRoles"].count("-operator") == 1
    team.is_in(team.operator)


def test_the_mode_api_with_a_role_of_nodes_missing(team: Team) -> None:
    """There is no way back to aws-auth; AWS lets nodes in again by an entry."""
    team.doors.access_entry(team.operator, username="operator:{{SessionName}}")
    team.doors.associate(team.operator, "AmazonEKSClusterAdminPolicy")
    team.becomes(team.operator, known("operator:alice"))
    options: dict[str, Any] = {"authentication_mode": "API"}
    for reason in (f"{team.node}: aws-auth lets nodes in", f"{team.deputy}: aws-auth lets it in"):
        team.refused(team.operator, reason, _access_entries.LOGIC, **options)
    team.is_in(team.node)
    assert team.run(team.operator, _access_entries.LOGIC, **options, force=True)["changed"]
    team.becomes(team.node, None)
    team.becomes(team.deputy, None)
    entries = [{"principal": team.node, "type": "EC2_LINUX"}]
    assert team.run(team.operator, _access_entries.LOGIC, entries=entries)["changed"]
    team.is_in(team.node)
