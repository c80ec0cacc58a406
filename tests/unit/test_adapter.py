# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Our options are those of the collections that users know."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options, kubernetes_options
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

OURS = {"assume_role_arn", "assume_role_external_id"}


def meaning(option: dict[str, Any]) -> dict[str, Any]:
    """What an option's specification means, with its defaults."""
    return {"type": "str", **option}


def test_aws_options_are_those_of_amazon_aws() -> None:
    ours = {name: meaning(option) for name, option in aws_options().items() if name not in OURS}
    assert ours == {name: meaning(option) for name, option in aws_argument_spec().items()}


def test_kubernetes_options_are_those_of_kubernetes_core() -> None:
    for name, option in kubernetes_options().items():
        ours = {key: value for key, value in meaning(option).items() if key != "fallback"}
        assert ours == meaning(AUTH_ARG_SPEC[name]), name
