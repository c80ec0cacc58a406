# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ARNs and issuers: read, checked and built without loss."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _arn
from ansible_collections.ekspress.eks.plugins.module_utils._arn import Arn
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from hypothesis import given
from hypothesis import strategies as st

PARTITIONS = st.sampled_from(["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"])
ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9_+=,.@-]{1,64}", fullmatch=True)
PATHS = st.one_of(st.just("/"), st.from_regex(r"(/[A-Za-z0-9_.-]{1,12}){1,3}/", fullmatch=True))
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
ISSUERS = st.from_regex(
    r"https://oidc\.eks\.[a-z]{2}-[a-z]{4,9}-[1-9]\.amazonaws\.com(\.cn)?/id/[0-9A-F]{32}", fullmatch=True
)


@given(PARTITIONS, st.sampled_from(["iam", "eks", "s3"]), st.sampled_from(["", "eu-central-1"]), ACCOUNTS, VISIBLE)
def test_what_is_built_is_what_is_read(partition: str, service: str, region: str, account: str, resource: str) -> None:
    arn = Arn(partition, service, region, account, resource)
    assert _arn.parse(str(arn)) == arn


@given(VISIBLE)
def test_type_and_id_hold_the_whole_resource(resource: str) -> None:
    arn = Arn("aws", "iam", "", "111122223333", resource)
    kind = arn.resource_type
    assert resource == (f"{kind}{resource[len(kind)]}{arn.resource_id}" if kind else arn.resource_id)
    assert arn.resource_id.endswith(arn.name)
    assert "/" not in arn.name


@given(PARTITIONS, ACCOUNTS, NAMES, PATHS)
def test_a_role_keeps_its_path_and_name(partition: str, account: str, name: str, path: str) -> None:
    arn = _arn.parse_iam(_arn.role(partition, account, name, path), "role")
    assert (arn.partition, arn.account, arn.name) == (partition, account, name)
    assert f"/{arn.resource_id}" == path + name


@given(PARTITIONS, st.one_of(ACCOUNTS, st.just("aws")), NAMES, PATHS)
def test_a_policy_keeps_its_path_and_name(partition: str, account: str, name: str, path: str) -> None:
    arn = _arn.parse_iam(_arn.policy(partition, account, name, path), "policy")
    assert (arn.account, f"/{arn.resource_id}") == (account, path + name)


@given(PARTITIONS, ACCOUNTS, ISSUERS)
def test_a_providers_issuer_comes_back_from_its_arn(partition: str, account: str, issuer: str) -> None:
    arn = _arn.oidc_provider(partition, account, issuer)
    assert arn == f"arn:{partition}:iam::{account}:oidc-provider/{issuer[8:]}"
    assert _arn.issuer_of(arn) == issuer


@given(st.text(max_size=80))
def test_no_text_makes_it_fail_unexplained(text: str) -> None:
    for function in (_arn.parse, _arn.check_issuer, _arn.check_account, _arn.issuer_of):
        assert repr(text) in (_refusal(function, text) or repr(text))


def _refusal(function: Callable[[str], object], text: str) -> str | None:
    try:
        function(text)
    except EksError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "role/app",
        "arn:aws:iam::111122223333",
        "arn:aws:iam::111122223333:",
        "arn:amazon:iam::111122223333:role/app",
        "arn:aws:iam::11112222333:role/app",
        "arn:aws:iam::111122223333:role/app ",
        " arn:aws:iam::111122223333:role/app",
        "arn:aws:iam::111122223333:role/app\n",
        "arn:aws:IAM::111122223333:role/app",
        "ARN:aws:iam::111122223333:role/app",
        "arn:aws\n:iam::111122223333:role/app",
        "arn:aws:iam::١١١١٢٢٢٢٣٣٣٣:role/app",
    ],
)
def test_malformed_arns_are_named(text: str) -> None:
    with pytest.raises(EksError, match=r"assume_role_arn .* is not an ARN: it has the form arn:PARTITION") as caught:
        _arn.parse(text, "assume_role_arn")
    assert repr(text) in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("arn:aws:iam::111122223333:user/alice", "of kind 'iam user'"),
        ("arn:aws:sts::111122223333:assumed-role/app/session", "of kind 'sts assumed-role'"),
        ("arn:aws:iam::111122223333:root", "of kind 'iam root'"),
        ("arn:aws:iam:eu-central-1:111122223333:role/app", "with an invalid account, path or name"),
        ("arn:aws:iam:::role/app", "with an invalid account, path or name"),
        ("arn:aws:iam::111122223333:role/", "with an invalid account, path or name"),
        ("arn:aws:iam::111122223333:role/a*", "with an invalid account, path or name"),
        (f"arn:aws:iam::111122223333:role/{'a' * 65}", "with an invalid account, path or name"),
    ],
)
def test_an_arn_of_another_kind_is_refused(text: str, reason: str) -> None:
    with pytest.raises(EksError) as caught:
        _arn.parse_iam(text, "role", "boundary")
    assert caught.value.message.startswith(f"boundary {text!r} is an ARN {reason}; needed is the ARN of an IAM role")


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        ("", "start with https://"),
        ("http://oidc.eks.eu-central-1.amazonaws.com/id/A", "start with https://"),
        ("oidc.eks.eu-central-1.amazonaws.com/id/A", "start with https://"),
        ("HTTPS://oidc.eks.eu-central-1.amazonaws.com/id/A", "start with https://"),
        (f"https://example.com/{'a' * 236}", "256 characters"),
        ("https://oidc.example.com:443/id/A", "port"),
        ("https://oidc.example.com:/id/A", "port"),
        ("https://oidc.example.com:x/id/A", "Port could not be cast"),
        ("https://user:secret@example.com/id", "user or password"),
        ("https://example.com/id?x=1", "query"),
        ("https://example.com/id?", "query"),
        ("https://example.com/id#x", "fragment"),
        ("https:///id/A", "not a host name"),
        ("https://localhost/id", "not a host name"),
        ("https://-a.example.com/id", "not a host name"),
        ("https://[::1/id", "Invalid IPv6"),
        ("https://example.com/i d", "characters that a URL must not hold"),
        ("https://example.com/id\n", "characters that a URL must not hold"),
    ],
)
def test_malformed_issuers_are_named(issuer: str, reason: str) -> None:
    with pytest.raises(EksError, match="is not an OIDC issuer that IAM accepts") as caught:
        _arn.check_issuer(issuer)
    assert reason in caught.value.message
    assert repr(issuer) in caught.value.message


@pytest.mark.parametrize(
    "issuer",
    [
        "https://oidc.eks.cn-north-1.amazonaws.com.cn/id/EXAMPLE",
        "https://tenant.auth0.com/",
        "https://token.actions.githubusercontent.com",
        f"https://example.com/{'a' * 235}",
    ],
)
def test_issuers_that_iam_accepts(issuer: str) -> None:
    _arn.check_issuer(issuer)


@pytest.mark.parametrize("account", ["", "12345678901", "1234567890123", "12345678901a", "123456789012\n"])
def test_malformed_accounts_are_named(account: str) -> None:
    with pytest.raises(EksError, match="not an AWS account ID"):
        _arn.check_account(account)
