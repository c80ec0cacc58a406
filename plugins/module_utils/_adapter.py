# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Everything this collection takes from amazon.aws and kubernetes.core, in one place.

Only option names, defaults and fallbacks are taken, so that our options behave as users of those collections
expect. Their retry, connection and policy helpers are not used: see docs/decisions/adapter.md.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback


def aws_options() -> dict[str, Any]:
    """Options of every module that calls AWS, as amazon.aws's modules have them, and ours to assume a role.

    amazon.aws's own function costs half a second of boto3 imports, so its options are stated here; a contract test
    compares the two.
    """
    return {
        "region": {"aliases": ["aws_region"], "fallback": (env_fallback, ["AWS_REGION", "AWS_DEFAULT_REGION"])},
        "access_key": {
            "aliases": ["aws_access_key_id", "aws_access_key"],
            "fallback": (env_fallback, ["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]),
            "no_log": False,
        },
        "secret_key": {
            "aliases": ["aws_secret_access_key", "aws_secret_key"],
            "fallback": (env_fallback, ["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]),
            "no_log": True,
        },
        "session_token": {
            "aliases": ["aws_session_token"],
            "fallback": (env_fallback, ["AWS_SESSION_TOKEN"]),
            "no_log": True,
        },
        "profile": {"aliases": ["aws_profile"], "fallback": (env_fallback, ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])},
        "endpoint_url": {"aliases": ["aws_endpoint_url"], "fallback": (env_fallback, ["AWS_URL"])},
        "validate_certs": {"type": "bool", "default": True},
        "aws_ca_bundle": {"type": "path", "fallback": (env_fallback, ["AWS_CA_BUNDLE"])},
        "aws_config": {"type": "dict"},
        "debug_botocore_endpoint_logs": {
            "type": "bool",
            "default": False,
            "fallback": (env_fallback, ["ANSIBLE_DEBUG_BOTOCORE_LOGS"]),
        },
        "assume_role_arn": {"type": "str"},
        "assume_role_external_id": {"type": "str"},
    }


def kubernetes_options() -> dict[str, Any]:
    """Options to reach a Kubernetes API as kubernetes.core's modules have them, with their environment fallbacks.

    ``validate_certs`` comes with aws_options and counts for both.
    """

    def option(variable: str, **more: Any) -> dict[str, Any]:
        return {"fallback": (env_fallback, [f"K8S_AUTH_{variable}"]), **more}

    return {
        "kubeconfig": option("KUBECONFIG", type="raw", no_log=True),
        "context": option("CONTEXT", type="str"),
        "host": option("HOST", type="str"),
        "api_key": option("API_KEY", type="str", no_log=True),
        "ca_cert": option("SSL_CA_CERT", type="path", aliases=["ssl_ca_cert"]),
        "client_cert": option("CERT_FILE", type="path", aliases=["cert_file"]),
        "client_key": option("KEY_FILE", type="path", aliases=["key_file"]),
        "proxy": option("PROXY", type="str"),
        "impersonate_user": option("IMPERSONATE_USER", type="str"),
        "impersonate_groups": option("IMPERSONATE_GROUPS", type="list", elements="str"),
    }


def cluster_options() -> dict[str, Any]:
    """The option by which a module is told its EKS cluster."""
    return {"cluster": {"type": "str", "required": True, "aliases": ["cluster_name"]}}
