# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values that come from live objects: paths, places, and what is not there yet."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _helm_values_from as values_from
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_paths import Paths
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.helm_drawn import VALUES

ADDRESS = "status.loadBalancer.ingress[0].hostname"
GIVEN = {"kind": "ingress", "name": "web-alb", "namespace": None, "path": ADDRESS, "value": "publish.name"}
INGRESS = {"status": {"loadBalancer": {"ingress": [{"hostname": "web.elb.example"}]}}}


class Api:
    """Objects by their path."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.paths = Paths(lambda _path: None)
        self._objects = objects
        self.asked: list[str] = []

    def find(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        found: dict[str, Any] | None = self._objects.get(path)
        return found


PATH = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web-alb"


def api(objects: dict[str, Any]) -> Kubernetes:
    return cast(Kubernetes, Api(objects))


def source(**changes: Any) -> values_from.Source:
    return values_from.parse({**GIVEN, **changes}, "shop", {}, "Release 'web'")


def test_a_field_goes_to_its_place_beside_the_other_values() -> None:
    values = {"publish": {"ip": ""}, "replicas": 2}
    before = copy.deepcopy(values)
    made = values_from.require(api({PATH: INGRESS}), values, [source()])
    assert made == {"publish": {"ip": "", "name": "web.elb.example"}, "replicas": 2}
    assert values == before


@pytest.mark.parametrize(
    "item",
    [
        None,
        {},
        {"status": {}},
        {"status": {"loadBalancer": {"ingress": []}}},
        {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}},
        {"status": {"loadBalancer": {"ingress": [{"hostname": ""}]}}},
        {"status": "none"},
    ],
)
def test_what_is_not_there_yet_has_a_placeholder_and_fails_once_it_is_needed(item: Any) -> None:
    kubernetes = api({PATH: item})
    made, missing = values_from.read(kubernetes, {}, [source()])
    assert missing == [f"{ADDRESS} of ingress shop/web-alb"]
    assert made == {"publish": {"name": f"(known once there is {ADDRESS} of ingress shop/web-alb)"}}
    with pytest.raises(EksError, match="not there although all that the release needs is ready") as caught:
        values_from.require(kubernetes, made, [source()])
    assert "gate" in caught.value.message


def test_a_placeholder_is_replaced_once_the_field_is_there() -> None:
    made, _missing = values_from.read(api({}), {}, [source()])
    assert values_from.require(api({PATH: INGRESS}), made, [source()]) == {"publish": {"name": "web.elb.example"}}


def test_a_field_that_is_no_single_value_is_refused() -> None:
    wanted = source(path="status.loadBalancer")
    with pytest.raises(EksError, match="which is a dict and no single value"):
        values_from.read(api({PATH: INGRESS}), {}, [wanted])


@pytest.mark.parametrize("path", ["", ".a", "a.", "a..b", "a[x]", "a[0", "[0]", "a b", "metadata.annotations.x/y"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(EksError, match="is no path of a field such as"):
        source(path=path)


@pytest.mark.parametrize("value", ["", "a.", ".a", "a..b"])
def test_what_is_no_place_is_refused(value: str) -> None:
    with pytest.raises(EksError, match="is no place in the chart's values"):
        source(value=value)


@pytest.mark.parametrize("values", [{"publish": {"name": "mine"}}, {"publish": {"name": ""}}, {"publish": "mine"}])
def test_a_value_that_is_given_already_is_not_overwritten(values: dict[str, Any]) -> None:
    with pytest.raises(EksError, match="which values_from is to fill: leave one of the two out"):
        values_from.parse(GIVEN, "shop", values, "Release 'web'")


def test_the_namespace_is_the_releases_unless_given_and_none_where_kinds_have_none() -> None:
    assert source().namespace == "shop"
    assert source(namespace="other").namespace == "other"
    assert source(kind="crd", path="spec.group").namespace == ""


@given(VALUES, st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=3))
def test_a_place_that_is_accepted_can_be_filled_and_nothing_else_changes(
    values: dict[str, Any], keys: list[str]
) -> None:
    try:
        wanted = values_from.parse({**GIVEN, "value": ".".join(keys)}, "shop", values, "Release 'web'")
    except EksError:
        return
    made: Any = values_from.require(api({PATH: INGRESS}), values, [wanted])
    for key in keys[:-1]:
        assert {**made, key: None} == {**values, key: None}
        made, values = made[key], values.get(key) or {}
    assert made == {**values, keys[-1]: "web.elb.example"}
