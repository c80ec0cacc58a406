# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""People at the doors of a cluster: sessions of IAM roles and users, tokens, requests that the API server judges."""

from __future__ import annotations

import base64
import fcntl
import http.client
import itertools
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._token import mint

from sandbox import authenticator
from sandbox.aws.client import ACCESS_KEY, SECRET_KEY, AwsServer
from sandbox.kube_client import KubeClient
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

CLUSTER = "sandbox-doors"
ACCOUNT = "123456789012"
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    ],
}

Keys = dict[str, str]
Json = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """Who the API server takes somebody for."""

    username: str
    groups: frozenset[str]
    extra: dict[str, list[str]] = field(compare=False, default_factory=dict)


def known(username: str, *groups: str) -> Known:
    """Somebody who was let in, in these groups beside the one of everybody."""
    return Known(username, frozenset(groups))


@dataclass
class Doors:
    """A cluster of a running sandbox, whose aws-auth and access entries a test may change as it likes."""

    sandbox: RunningSandbox
    cluster: str
    aws: AwsServer = field(init=False)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.aws = self.sandbox.aws()

    @property
    def entry(self) -> Json:
        """What the state file says of the cluster."""
        return self.sandbox.cluster(self.cluster)

    @property
    def eks(self) -> Any:
        """A client of EKS."""
        return self.aws.client("eks")

    # People

    def role(self, name: str, path: str = "/") -> str:
        """Make a role that everybody of the account may assume; return its ARN."""
        iam = self.aws.client("iam")
        arn: str = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        return arn

    def user(self, name: str, path: str = "/") -> tuple[str, Keys]:
        """Make a user; return its ARN and keys."""
        iam = self.aws.client("iam")
        arn = iam.create_user(UserName=name, Path=path)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return arn, {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    def session(self, arn: str, name: str = "alice") -> Keys:
        """Begin a session of a role."""
        answer = self.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "session_token": answer["SessionToken"],
        }

    def instance(self) -> tuple[str, str]:
        """The id and private DNS name of an instance of the managed node group."""
        group = self.aws.fixtures()["clusters"][self.cluster]["auto_scaling_groups"]["general"]
        autoscaling, ec2 = self.aws.client("autoscaling"), self.aws.client("ec2")
        [found] = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        instance = found["Instances"][0]["InstanceId"]
        [reservation] = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        return instance, reservation["Instances"][0]["PrivateDnsName"]

    @property
    def creator(self) -> Keys:
        """The keys of whoever made the cluster."""
        return {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}

    def token(self, keys: Keys, cluster: str = "") -> str:
        """The token that the collection mints of keys."""
        return mint(self.session_of(keys), cluster or self.cluster)

    def session_of(self, keys: Keys) -> Aws:
        """The AWS session that a task has with these keys."""
        return Aws({**keys, "region": self.entry["region"], "endpoint_url": self.aws.endpoint}, Context())

    # At the door

    def ask(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request with a token; return status and decoded answer."""
        with self._connection() as connection:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else text.decode()

    def status(self, keys: Keys, method: str, path: str, body: Any = None) -> int:
        """The status of a request of somebody."""
        return self.ask(self.token(keys), method, path, body)[0]

    def who(self, keys: Keys) -> Known | None:
        """Who the API server takes somebody for; None where it does not let them in."""
        return self.who_has(self.token(keys))

    def who_has(self, token: str) -> Known | None:
        """Who the API server takes the bearer of a token for."""
        status, answer = self.ask(token, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", REVIEW)
        if status == 401:
            return None
        assert status == 201, answer
        user = answer["status"]["userInfo"]
        groups = frozenset(user.get("groups", ())) - {"system:authenticated"}
        return Known(user["username"], groups, user["extra"])

    def await_role(self, arn: str, expected: Known | None, session: str = "alice") -> None:
        """Wait until new sessions of a role are taken for somebody: the API server knows a token for some seconds."""
        wait_until(lambda: self.who(self.session(arn, session)) == expected, f"{expected} for {arn}")

    def resolved(self, token: str) -> Known | None:
        """Who the authenticator itself says the bearer of a token is, with no cache in between."""
        port, authority = self.entry["ports"][authenticator.NAME], self.sandbox.directory / "aws" / "ca.crt"
        context = ssl.create_default_context(cafile=authority)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
        try:
            connection.request("POST", "/authenticate", json.dumps({"spec": {"token": token}}))
            answer = json.load(connection.getresponse())["status"]
        finally:
            connection.close()
        if not answer.get("authenticated"):
            return None
        user = answer["user"]
        return Known(user.get("username", ""), frozenset(user.get("groups") or ()), user["extra"])

    # What lets people in

    @contextmanager
    def admin(self) -> Iterator[KubeClient]:
        """A client of the cluster's administrator, by a certificate."""
        kube = self.sandbox.kube(self.cluster)
        try:
            yield kube
        finally:
            kube.close()

    def aws_auth(self, **data: str) -> None:
        """Have these texts, and no others, in aws-auth."""
        meta = {"name": "aws-auth", "namespace": "kube-system"}
        item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        with self.admin() as kube:
            status, answer = kube.request("PUT", AWS_AUTH, item)
            assert status in (200, 201), answer

    def access_entry(self, arn: str, **fields: Any) -> None:
        """Make an access entry."""
        self.eks.create_access_entry(clusterName=self.cluster, principalArn=arn, **fields)

    def associate(self, arn: str, policy: str, *namespaces: str) -> None:
        """Associate an access policy, for the cluster or for some namespaces."""
        scope = {"type": "namespace", "namespaces": list(namespaces)} if namespaces else {"type": "cluster"}
        self.eks.associate_access_policy(
            clusterName=self.cluster, principalArn=arn, policyArn=POLICY + policy, accessScope=scope
        )

    def mode(self, mode: str) -> None:
        """Set the authentication mode, back too, which AWS does not do."""
        self.aws.cluster(self.cluster, access_config={"authenticationMode": mode})

    def bind(self, group: str, namespace: str, verbs: list[str], *resources: str) -> None:
        """Let a group do something with core resources of a namespace."""
        name = f"{quote(group, safe='')}-{next(self.numbers)}"
        base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        rules = [{"apiGroups": [""], "resources": list(resources), "verbs": verbs}]
        api = "rbac.authorization.k8s.io"
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": api, "kind": "Role", "name": name},
            "subjects": [{"apiGroup": api, "kind": "Group", "name": group}],
        }
        with self.admin() as kube:
            assert kube.request("POST", f"{base}/roles", {"metadata": {"name": name}, "rules": rules})[0] == 201
            assert kube.request("POST", f"{base}/rolebindings", binding)[0] == 201

    def namespace(self, name: str) -> None:
        """Make a namespace."""
        with self.admin() as kube:
            assert kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPSConnection]:
        port = self.entry["ports"]["kube-apiserver"]
        context = ssl.create_default_context(cafile=Path(self.entry["ca_file"]))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=120, context=context)
        try:
            yield connection
        finally:
            connection.close()


def opened(token: str) -> str:
    """The URL that a token is."""
    encoded = token.partition(".")[2]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def closed(url: str) -> str:
    """The token that a URL is."""
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@contextmanager
def at_the_doors(sandbox: RunningSandbox) -> Iterator[Doors]:
    """A cluster that nobody else uses meanwhile, in the mode that has both, with an empty aws-auth; its creator."""
    sandbox.up(CLUSTER)
    with (sandbox.directory / "doors.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Doors(sandbox, CLUSTER)
        made.aws.cluster(
            CLUSTER,
            access_config={"authenticationMode": "API_AND_CONFIG_MAP"},
            creator=made.aws.client("sts").get_caller_identity()["Arn"],
        )
        made.aws_auth()
        yield made


@pytest.fixture
def doors(sandbox: RunningSandbox) -> Iterator[Doors]:
    """The cluster for a test of who gets in."""
    with at_the_doors(sandbox) as made:
        yield made
