# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which plans write trust, so that the OIDC provider is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_provider import trust_is_written
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles_plan import Options, plan
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_writes import Current
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer, merge, subject

ISSUER = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/B1", "aws", "111122223333")
NODES = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
FOREIGN = Current("app", "arn:aws:iam::111122223333:role/app", trust_policy={"Statement": [NODES]})
OURS = replace(
    FOREIGN,
    trust_policy=merge(FOREIGN.trust_policy, [ISSUER], [subject("a:a"), subject("b:b")]).after or {},
)
WANTED = Wanted("app", service_accounts=("a:a",))
PURGE = Options(purge_service_accounts=True)


@pytest.mark.parametrize(
    ("wanted", "current", "options", "written"),
    [
        pytest.param(WANTED, None, Options(), True, id="created"),
        pytest.param(WANTED, FOREIGN, Options(), True, id="our statement is added"),
        pytest.param(replace(WANTED, service_accounts=("c:c",)), OURS, Options(), True, id="a service account more"),
        pytest.param(WANTED, OURS, PURGE, True, id="a service account less"),
        pytest.param(WANTED, OURS, Options(), False, id="unchanged"),
        pytest.param(replace(WANTED, tags={"a": "b"}), OURS, Options(), False, id="other changes"),
        pytest.param(Wanted("app", tags={"a": "b"}), FOREIGN, Options(), False, id="no service accounts given"),
        pytest.param(Wanted("app", state="absent"), OURS, Options(), False, id="our statement is taken out"),
        pytest.param(Wanted("app", state="absent"), OURS, Options(force=True), False, id="removed"),
        pytest.param(Wanted("app", state="absent"), None, Options(), False, id="removed before"),
    ],
)
def test_trust_is_written(wanted: Wanted, current: Current | None, options: Options, written: bool) -> None:
    planned = plan(wanted, current, ISSUER, options)
    assert trust_is_written([(wanted, planned)]) is written
    idle = (WANTED, plan(WANTED, OURS, ISSUER, Options()))
    assert trust_is_written([idle, (wanted, planned)]) is written
