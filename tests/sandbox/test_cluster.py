# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster of the sandbox looks, from the outside, like one of EKS."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from botocore.signers import RequestSigner

from sandbox.aws.client import ACCESS_KEY
from tests.sandbox_fixtures import RunningSandbox

NAME = "sandbox-blue"


def token(client: Any, session: Any) -> str:
    """Return a bearer token: a presigned GetCallerIdentity that names the cluster."""
    region = client.meta.region_name
    credentials = client._request_signer._credentials
    signer = RequestSigner(client.meta.service_model.service_id, region, "sts", "v4", credentials, session)
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": NAME},
            "context": {},
        },
        region_name=region,
        expires_in=60,
        operation_name="",
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def opened(description: dict[str, Any], bearer: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Send a request to where DescribeCluster says, with a bearer token; return the decoded answer."""
    authority = base64.b64decode(description["certificateAuthority"]["data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    request = urllib.request.Request(
        f"{description['endpoint']}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        return json.load(answer)


def status_of(description: dict[str, Any], bearer: str) -> int:
    """Return the status of a request with a bearer token."""
    try:
        opened(description, bearer, "/api/v1/secrets")
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def test_creator_gets_in_by_a_presigned_token_and_a_stranger_does_not(sandbox: RunningSandbox) -> None:
    server = sandbox.aws()
    description = server.client("eks").describe_cluster(name=NAME)["cluster"]
    creator = server.client("sts")
    assert status_of(description, token(creator, creator.meta.events)) == 200
    iam = server.client("iam")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    stranger = server.client("sts", credentials=key)
    assert status_of(description, token(stranger, stranger.meta.events)) == 401
    assert status_of(description, "k8s-aws-v1.bm90IGEgdXJs") == 401


def test_a_token_shows_the_api_server_who_calls(sandbox: RunningSandbox) -> None:
    server = sandbox.aws()
    description = server.client("eks").describe_cluster(name=NAME)["cluster"]
    sts = server.client("sts")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    user = opened(description, token(sts, sts.meta.events), path, review)["status"]["userInfo"]
    identity = sts.get_caller_identity()
    assert user["username"] == identity["Arn"], "as its access entry says"
    assert user["uid"] == f"aws-iam-authenticator:{identity['Account']}:{identity['UserId']}"
    assert user["extra"] == {
        "accessKeyId": [ACCESS_KEY],
        "arn": [identity["Arn"]],
        "canonicalArn": [identity["Arn"]],
        "principalId": [identity["UserId"]],
        "sessionName": [""],
    }


def test_describe_cluster_tells_of_the_real_control_plane(sandbox: RunningSandbox) -> None:
    entry = sandbox.cluster()
    description = sandbox.aws().client("eks").describe_cluster(name=NAME)["cluster"]
    kube = sandbox.kube()
    assert description["endpoint"] == entry["endpoint"]
    assert description["identity"]["oidc"]["issuer"] == entry["issuer"]
    assert description["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == entry["service_cidr"]
    version = kube.get("/version")
    assert description["version"] == f"{version['major']}.{version['minor']}"
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    status, answer = kube.request("POST", path, {"spec": {"audiences": ["sts.amazonaws.com"]}})
    assert status == 201
    payload = answer["status"]["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["iss"] == entry["issuer"]
    assert claims["aud"] == ["sts.amazonaws.com"]
    kube.close()


def test_nodes_and_system_objects_are_those_of_eks(sandbox: RunningSandbox) -> None:
    kube = sandbox.kube()
    nodes = kube.get("/api/v1/nodes")["items"]
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
    assert zones == {"eu-central-1a", "eu-central-1b", "eu-central-1c"}
    for node in nodes:
        zone = node["metadata"]["labels"]["topology.kubernetes.io/zone"]
        assert node["spec"]["providerID"].startswith(f"aws:///{zone}/i-")
    auth = kube.get("/api/v1/namespaces/kube-system/configmaps/aws-auth")["data"]
    assert auth["mapRoles"].startswith("# Managed node group")
    assert "system:node:{{EC2PrivateDNSName}}" in auth["mapRoles"]
    roles = {role["RoleName"] for role in sandbox.aws().client("iam").list_roles()["Roles"]}
    assert f"{NAME}-node" in roles
    assert f"role/{NAME}-node\n" in auth["mapRoles"]
    assert kube.get("/apis/storage.k8s.io/v1/storageclasses/gp2")["provisioner"] == "kubernetes.io/aws-ebs"
    dns = kube.get("/api/v1/namespaces/kube-system/services/kube-dns")
    assert dns["spec"]["clusterIP"] == "172.20.0.10"
    kube.close()
