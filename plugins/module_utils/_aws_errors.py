# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AWS's errors in words that say what to do."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure", "UnauthorizedAccess"}
WRONG_SIGNATURE = "SignatureDoesNotMatch"
BAD_CREDENTIALS = {
    WRONG_SIGNATURE,
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "RequestExpired",
}
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
}

CREDENTIAL_HELP = (
    "Set the option profile, the variables AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (the task's "
    "environment: counts), or run on a machine with an instance role; check with: aws sts get-caller-identity"
)


NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}
BAD_CONFIGURATION = {"ProfileNotFound", "ConfigParseError", "ConfigNotFound", "InvalidConfigError"}
NO_SESSION = {"SSOTokenLoadError", "UnauthorizedSSOTokenError"}
NO_ANSWER = {
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "SSLError",
    "ProxyConnectionError",
    "ConnectionError",
    "HTTPClientError",
}


def explain(error: BaseException, action: str) -> EksError:
    """Turn a botocore error into an EksError that names the call, the cause and the next step."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _explain_answer(response, action)
    return EksError(_explained(type(error).__name__, error, action))


def _explained(name: str, error: BaseException, action: str) -> str:
    not_called = f"{action} was not called: {error}"
    if name in NO_CREDENTIALS:
        text = f"{action} was not called: no usable AWS credentials ({error}). {CREDENTIAL_HELP}"
    elif name in BAD_CONFIGURATION:
        text = f"{not_called}. Check the AWS configuration files and the option profile."
    elif name in NO_SESSION:
        text = f"{not_called}. Log in again with: aws sso login"
    elif name in NO_ANSWER:
        text = (
            f"{action} got no answer: {error}. Check the region, the network and proxy to the AWS endpoint, "
            "endpoint_url and aws_ca_bundle, and run again: a run finds out what an unanswered call has done."
        )
    elif name == "ParamValidationError":
        # As botocore has written it: a secret of several lines is censored only where its lines stay together.
        text = not_called
    else:
        text = f"{action} failed: {name}: {error}"
    return text


def explain_assume_role(error: BaseException, role_arn: str) -> EksError:
    """Turn a failure to assume ``role_arn`` into an EksError; a denial may lie in the role or in the caller."""
    explained = explain(error, "sts:AssumeRole")
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    if code not in DENIED:
        return EksError(f"{explained.message} (assume_role_arn: {role_arn})", **explained.details)
    refusal = explained.details["error"]
    return EksError(
        f"sts:AssumeRole failed: {code}: {refusal['message'].rstrip('.')}. Check that assume_role_arn {role_arn} "
        "exists, that its trust policy allows the AWS identity of this task (with assume_role_external_id, if it asks "
        "for an external ID), and that this identity's policy allows sts:AssumeRole on it.",
        **explained.details,
    )


def _explain_answer(response: dict[str, Any], action: str) -> EksError:
    code = str(response["Error"].get("Code", "Unknown"))
    message = str(response["Error"].get("Message", "")).strip()
    if code == WRONG_SIGNATURE:
        # What follows is the request as it was signed, session token included.
        message = message.partition("\n")[0]
    details = {"error": {"code": code, "message": message, "action": action}}
    if code in DENIED:
        hint = (
            f"The AWS identity of this task may not call {action}: add the action to its policy "
            "(or set assume_role_arn to a role that may)."
        )
    elif code in BAD_CREDENTIALS:
        hint = f"The AWS credentials of this task are not valid (any more). {CREDENTIAL_HELP}"
    elif code in THROTTLED:
        hint = "AWS still throttles after several retries; run again later, or with fewer forks."
    else:
        hint = ""
    text = f"{action} failed: {code}: {message}"
    return EksError(f"{text}{'' if text.endswith('.') or not hint else '.'} {hint}".strip(), **details)
