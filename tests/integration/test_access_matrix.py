# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of docs/access.md, cell by cell: a session of a role, its token, a real request, allowed or forbidden."""

from __future__ import annotations

import base64
import fcntl
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries, _aws_auth, _rbac_groups
from ansible_collections.ekspress.eks.plugins.module_utils._access_groups import groups
from ansible_collections.ekspress.eks.plugins.module_utils._access_plan import mappings
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute

from sandbox.process import ROOT
from tests.integration.helm_releases_support import turn
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

CLUSTER = "sandbox-blue"
ACCOUNT = "123456789012"
PEOPLE = {
    "ops": ["system:masters"],
    "leads": ["readwrite", "readonly", "debugmode"],
    "devs": ["readonly", "debugmode"],
    "readers": ["readonly"],
}
PLATFORM = "kube-system"
METHODS = {"get": "GET", "list": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}
MERGE = "application/merge-patch+json"
NOTHING = "nothing-of-this-name"
_RBAC = "rbac.authorization.k8s.io"
MORE: dict[str, dict[str, Any]] = {
    f"{kind}.{_RBAC}": {"roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "view"}}
    for kind in ("rolebindings", "clusterrolebindings")
}
"""What objects need beside a name to be judged at all: whose role it is, is asked before what else is wrong."""
VERSIONS = {"metrics.k8s.io": "v1beta1", "traefik.io": "v1alpha1", "autoscaling": "v2"}
"""Of API groups that have other than v1."""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    verb: str
    resource: str
    where: str
    allowed: dict[str, bool]

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} in {self.where}"

    def path(self, application: str) -> str:
        """The path of the request; what is named in it does not exist, which is found out once it is allowed."""
        full, _, sub = self.resource.partition("/")
        plural, _, group = full.partition(".")
        root = f"/apis/{group}/{VERSIONS.get(group, 'v1')}" if group else "/api/v1"
        namespace = {"application": application, "platform": PLATFORM}.get(self.where)
        base = f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
        if sub:
            return f"{base}/{NOTHING}/{sub}"
        return base if self.verb in ("list", "create") else f"{base}/{NOTHING}"


def table() -> list[Row]:
    """The rows of the documentation."""
    text = (ROOT / "docs/access.md").read_text(encoding="utf-8").partition("<!-- matrix -->\n")[2]
    lines = [line for line in text.partition("\n\n")[0].splitlines() if line.startswith("|")]
    header, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert header == ["verb", "resource", "where", *PEOPLE]
    assert all(cell in ("yes", "no") for row in rows for cell in row[3:])
    return [
        Row(verb, resource, where, {name: cell == "yes" for name, cell in zip(PEOPLE, cells, strict=True)})
        for verb, resource, where, *cells in rows
    ]


def test_the_table_is_read_and_says_enough() -> None:
    rows = table()
    assert len(rows) >= 40
    assert len({(row.verb, row.resource, row.where) for row in rows}) == len(rows)
    for name in ("leads", "devs", "readers"):
        assert {row.allowed[name] for row in rows} == {True, False}
    assert all(row.allowed["ops"] for row in rows)
    assert {row.where for row in rows} == {"application", "platform", "cluster"}


def done(logic: Logic, **options: Any) -> dict[str, Any]:
    """The result of a module that must not fail."""
    validated = ArgumentSpecValidator(logic.argument_spec(), **logic.constraints).validate(options)
    assert not validated.error_messages
    result = execute(logic, validated.validated_parameters, Context())
    assert not result.get("failed"), result
    return result


@dataclass
class World:
    """A namespace of an application, the people's IAM roles, and who they are to the cluster."""

    sandbox: RunningSandbox
    application: str
    roles: dict[str, str]
    """ARNs by the people's names."""

    def options(self) -> dict[str, Any]:
        """How the administrator reaches the cluster."""
        return {"kubeconfig": self.sandbox.cluster()["kubeconfig"]}

    def described(self, through: str) -> dict[str, Any]:
        """What an inventory's people are to aws_auth and access_entries."""
        people = [{"role": self.roles[name], "groups": PEOPLE[name]} for name in PEOPLE]
        facts = {
            "partition": "aws",
            "account": ACCOUNT,
            "authentication_mode": "API_AND_CONFIG_MAP",
            "node_groups": [],
            "fargate_profiles": [],
        }
        return mappings(people, facts, through=through)

    def client(self, name: str) -> Kubernetes:
        """The cluster as one of the people sees it, with a token of a session of their role."""
        sts = self.sandbox.aws().client("sts")
        given = sts.assume_role(RoleArn=self.roles[name], RoleSessionName="somebody")["Credentials"]
        params = {
            "cluster": CLUSTER,
            "region": "eu-central-1",
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "session_token": given["SessionToken"],
        }
        context = Context()
        return connect(params, Aws(params, context), context)


@pytest.fixture(scope="module")
def world(sandbox: RunningSandbox) -> Iterator[World]:
    """The groups have their rights, and nobody is let in yet."""
    with pytest.MonkeyPatch.context() as patch, turn(sandbox, "rbac", fcntl.LOCK_SH):
        for name, value in sandbox.environment.items():
            patch.setenv(name, value)
        mark = uuid.uuid4().hex[:8]
        kube = sandbox.kube()
        application = f"application-{mark}"
        assert kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": application}})[0] == 201
        iam = sandbox.aws().client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        roles = {
            name: iam.create_role(Path="/teams/", RoleName=f"{name}-{mark}", AssumeRolePolicyDocument=document)["Role"][
                "Arn"
            ]
            for name in PEOPLE
        }
        made = World(sandbox, application, roles)
        named = groups([{"name": name} for name in ("readonly", "readwrite", "debugmode")], ["kube-*", "traefik"])
        done(_rbac_groups.LOGIC, groups=named, **made.options())
        yield made
        assert kube.request("DELETE", f"/api/v1/namespaces/{application}")[0] == 200
        kube.close()
        for arn in roles.values():
            iam.delete_role(RoleName=arn.rpartition("/")[2])


def by_aws_auth(world: World) -> Callable[[], None]:
    """Let the people in by aws-auth; returns what takes it back."""
    described = world.described("aws_auth")
    done(_aws_auth.LOGIC, roles=described["roles"], **world.options())

    def back() -> None:
        done(_aws_auth.LOGIC, roles=described["roles"], state="absent", force=True, **world.options())

    return back


def by_access_entries(world: World) -> Callable[[], None]:
    """Let the people in by access entries; returns what takes it back."""
    options = {"cluster": CLUSTER, "region": "eu-central-1", "entries": world.described("access_entries")["entries"]}
    done(_access_entries.LOGIC, **options)

    def back() -> None:
        done(_access_entries.LOGIC, state="absent", force=True, **options)

    return back


WAYS = {"aws-auth": by_aws_auth, "access entries": by_access_entries}


@pytest.fixture(scope="module", params=WAYS)
def people(request: pytest.FixtureRequest, world: World) -> Iterator[dict[str, Kubernetes]]:
    """The cluster as each of the people sees it, once they are in."""
    back = WAYS[request.param](world)
    try:
        clients = {name: world.client(name) for name in PEOPLE}
        for name, client in clients.items():
            wait_until(partial(knows, client))
            member = who(client)
            assert member["username"].endswith(":somebody"), "the session's name is in the audit log"
            assert set(PEOPLE[name]) - {"system:masters"} <= set(member["groups"])
        yield clients
    finally:
        back()


def knows(client: Kubernetes) -> bool:
    """Whether the cluster lets somebody in: the authenticator follows aws-auth and entries."""
    try:
        who(client)
    except KubernetesError as error:
        if error.status == 401:
            return False
        raise
    return True


def who(client: Kubernetes) -> dict[str, Any]:
    """Username and groups of somebody, as the API server has them."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return dict(client.review(review)["status"]["userInfo"])


def allowed(client: Kubernetes, row: Row, application: str) -> bool:
    """Whether the API server lets a request of somebody pass; nothing is changed by it."""
    if row.verb == "impersonate":
        return may_impersonate(client, row, application)
    method = METHODS[row.verb]
    body = {"metadata": {"name": NOTHING}, **MORE.get(row.resource, {})} if method in ("POST", "PATCH") else None
    kind = MERGE if method == "PATCH" else "application/json"
    try:
        client.request(method, row.path(application), body=body, content_type=kind, dry_run=method != "GET")
    except KubernetesError as error:
        # What is not there, or not served, or no valid object, is found out after it is allowed.
        return not forbidden(error, row)
    return True


def may_impersonate(client: Kubernetes, row: Row, application: str) -> bool:
    """Whether somebody may act as another; /version is for everybody."""
    name = f"system:serviceaccount:{application}:default" if row.resource == "serviceaccounts" else "another"
    connection = client.connection
    client.connection = type(connection)(**{**vars(connection), "impersonate_user": name})
    try:
        client.get("/version")
    except KubernetesError as error:
        return not forbidden(error, row)
    finally:
        client.connection = connection
    return True


def forbidden(error: KubernetesError, row: Row) -> bool:
    """Whether an answer says that the authorizer refuses; every other 403 would be another matter."""
    if error.status != 403:
        assert error.status in (400, 404, 405, 415, 422), (str(row), error.message)
        return False
    # Newer API servers ask for a right to act as somebody in a certain way before they ask for the old one.
    what = "impersonate" if row.verb == "impersonate" else f'{row.verb} resource "{row.resource.partition(".")[0]}'
    assert re.search(rf'User "[^"]+" cannot {what}', error.text), error.text
    return True


@pytest.mark.parametrize("name", PEOPLE)
def test_people_may_what_the_table_says(world: World, people: dict[str, Kubernetes], name: str) -> None:
    client = people[name]
    rows = [row for row in table() if row.verb != "impersonate"]
    found = gather(Context(), lambda row: allowed(client, row, world.application), rows)
    others = [row for row in table() if row.verb == "impersonate"]
    found += [allowed(client, row, world.application) for row in others]
    wrong = [str(row) for row, one in zip([*rows, *others], found, strict=True) if one != row.allowed[name]]
    assert wrong == []


def test_a_secret_gives_readwrite_the_token_of_a_service_account(world: World, people: dict[str, Kubernetes]) -> None:
    """As docs/access.md says: the table has no for the API of tokens, and RBAC does not look into Secrets."""
    api = world.sandbox.kube()
    account, where = f"account-{uuid.uuid4().hex[:8]}", f"/api/v1/namespaces/{world.application}"
    assert api.request("POST", f"{where}/serviceaccounts", {"metadata": {"name": account}})[0] == 201
    secret = {
        "metadata": {"name": account, "annotations": {"kubernetes.io/service-account.name": account}},
        "type": "kubernetes.io/service-account-token",
    }
    for name in ("devs", "readers"):
        with pytest.raises(KubernetesError, match="cannot create resource"):
            people[name].request("POST", f"{where}/secrets", body=secret, dry_run=True)
    lead = people["leads"]
    lead.request("POST", f"{where}/secrets", body=secret)
    try:
        token = wait_until(lambda: lead.get(f"{where}/secrets/{account}").get("data", {}).get("token"))
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
        asked = {**review, "spec": {"token": base64.b64decode(token).decode()}}
        status = api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", asked)[1]["status"]
        assert status["user"]["username"] == f"system:serviceaccount:{world.application}:{account}"
    finally:
        api.request("DELETE", f"{where}/secrets/{account}")
        api.request("DELETE", f"{where}/serviceaccounts/{account}")
        api.close()


def test_nobody_is_let_in_by_nothing(world: World) -> None:
    """Else the tokens would prove nothing."""
    iam = world.sandbox.aws().client("iam")
    stranger = f"stranger-{uuid.uuid4().hex[:8]}"
    role = iam.get_role(RoleName=world.roles["ops"].rpartition("/")[2])["Role"]
    document = json.dumps(role["AssumeRolePolicyDocument"])
    world.roles["stranger"] = iam.create_role(RoleName=stranger, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    try:
        assert not knows(world.client("stranger"))
    finally:
        iam.delete_role(RoleName=stranger)
        del world.roles["stranger"]
