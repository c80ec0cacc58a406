# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A kubeconfig with our contexts merged into it: ours as wanted, others' as they were, and nothing twice."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _kubeconfig_plan as kubeconfigs
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubeconfig_entries import Context, certificates_of
from hypothesis import given
from hypothesis import strategies as st

PEM = "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----\n"
OTHER_PEM = PEM.replace("QUFB", "QkJC")
OTHERS = """\
# kept by hand
apiVersion: v1
kind: Config
clusters:
- cluster: {server: "https://192.0.2.1:6443", insecure-skip-tls-verify: yes}
  name: home
users:
- name: home
  user:
    token: 0123
    client-key-data: 'c2VjcmV0'
contexts:
- context: {cluster: home, user: home, namespace: "007"}
  name: home
current-context: home
preferences: {colors: true}
extra: 1e3
"""


def context(name: str = "blue", **more: Any) -> Context:
    wanted = {
        "server": f"https://{name}.eks.amazonaws.com",
        "certificates": (PEM,),
        "tls_server_name": "",
        "command": ("/bin/ekspress_credential", "--cluster", name, "--region", "eu-central-1"),
    }
    return Context(name=name, **{**wanted, **more})


def merge(text: str | None, *wanted: Context, **options: Any) -> kubeconfigs.Plan:
    return kubeconfigs.merge(text, list(wanted), "config", **options)


def entry(text: str, section: str, name: str) -> dict[str, Any]:
    """The content of one entry of a kubeconfig."""
    (found,) = [item for item in yaml.safe_load(text)[section] if item["name"] == name]
    return dict(found[kubeconfigs.SECTIONS[section]])


def without(text: str, *names: str) -> dict[str, Any]:
    """A kubeconfig without the entries of some names."""
    content = yaml.safe_load(text)
    for section in kubeconfigs.SECTIONS:
        content[section] = [item for item in content[section] if item["name"] not in names]
    return dict(content)


def test_a_new_file_has_all_that_a_client_needs() -> None:
    plan = merge(None, context(tls_server_name="kubernetes.default.svc", certificates=(PEM, OTHER_PEM)))
    cluster = entry(plan.text, "clusters", "blue")
    assert base64.b64decode(cluster["certificate-authority-data"]).decode() == PEM + OTHER_PEM
    assert cluster["server"] == "https://blue.eks.amazonaws.com"
    assert cluster["tls-server-name"] == "kubernetes.default.svc"
    assert entry(plan.text, "contexts", "blue")["user"] == "blue"
    command = entry(plan.text, "users", "blue")["exec"]
    assert (command["command"], command["args"][:2]) == ("/bin/ekspress_credential", ["--cluster", "blue"])
    assert command["apiVersion"] == "client.authentication.k8s.io/v1"
    assert yaml.safe_load(plan.text)["kind"] == "Config"
    assert plan.states == {"blue": "created"}


def test_what_others_have_keeps_its_very_form() -> None:
    plan = merge(OTHERS, context())
    for line in ("token: 0123", "client-key-data: 'c2VjcmV0'", 'namespace: "007"', "extra: 1e3", "colors: true"):
        assert line in plan.text
    assert without(plan.text, "blue") == yaml.safe_load(OTHERS)
    assert plan.current_context == "home"


def test_nothing_to_do_is_the_same_text_comments_included() -> None:
    merged = "# mine\n" + merge(OTHERS, context()).text
    again = merge(merged, context())
    assert again.text == merged
    assert again.states == {"blue": "unchanged"}
    assert again.before == again.after


def test_what_a_client_writes_for_nothing_is_no_difference() -> None:
    """kubectl writes every field that it knows, and orders them."""
    content = yaml.safe_load(merge(None, context()).text)
    content["users"][0]["user"]["exec"]["env"] = None
    text = yaml.safe_dump(content)
    assert merge(text, context()).text == text


def test_what_a_user_added_to_ours_stays_and_what_weakens_tls_goes() -> None:
    content = yaml.safe_load(merge(None, context()).text)
    content["contexts"][0]["context"]["namespace"] = "web"
    content["clusters"][0]["cluster"] |= {"proxy-url": "socks5://127.0.0.1:1", "insecure-skip-tls-verify": True}
    content["users"][0]["user"]["token"] = "old"
    plan = merge(yaml.safe_dump(content), context())
    assert plan.states == {"blue": "changed"}
    assert entry(plan.text, "contexts", "blue")["namespace"] == "web"
    assert entry(plan.text, "clusters", "blue")["proxy-url"] == "socks5://127.0.0.1:1"
    assert "insecure-skip-tls-verify" not in plan.text
    assert "token" not in entry(plan.text, "users", "blue")


def test_entries_of_others_are_refused_and_never_shown() -> None:
    with pytest.raises(EksError, match=r"entries 'home' in clusters, users, contexts that this collection did not"):
        merge(OTHERS, context("home"))
    plan = merge(OTHERS, context("home"), overwrite=True)
    assert plan.states == {"home": "changed"}
    assert "insecure" not in plan.text
    assert "0123" not in plan.text
    assert "c2VjcmV0" not in str(plan.before)
    assert plan.before["home"]["users"] == "an entry that this collection did not write"


def test_the_current_context_changes_only_on_request() -> None:
    plan = merge(OTHERS, context(), current="blue")
    assert yaml.safe_load(plan.text)["current-context"] == "blue"
    assert (plan.before["current-context"], plan.after["current-context"]) == ("home", "blue")
    assert merge(plan.text, context(), current="blue").text == plan.text
    with pytest.raises(EksError, match="no context of config; there are: home, blue"):
        merge(OTHERS, context(), current="green")


def test_removed_are_ours_alone() -> None:
    text = merge(OTHERS, context(), current="blue").text
    plan = kubeconfigs.remove(text, ["blue", "home", "nowhere"], "config")
    assert plan.states == {"blue": "removed", "home": "unchanged", "nowhere": "unchanged"}
    assert yaml.safe_load(plan.text) == {**yaml.safe_load(OTHERS), "current-context": ""}
    assert kubeconfigs.remove(plan.text, ["blue"], "config").text == plan.text
    assert kubeconfigs.remove(None, ["blue"], "config").text == ""


@pytest.mark.parametrize(
    "text",
    [
        "kind: Pod",
        "[]",
        "text",
        "clusters: {}",
        "clusters: [1]",
        "clusters: [{cluster: {}}]",
        "users: [{name: a, user: secret}]",
        "contexts: [{name: a, context: {}}, {name: a, context: {}}]",
    ],
)
def test_what_is_no_kubeconfig_is_left_alone(text: str) -> None:
    with pytest.raises(EksError, match="is no kubeconfig") as refused:
        merge(text, context())
    assert "secret" not in refused.value.message


def test_broken_yaml_is_told_without_its_text() -> None:
    with pytest.raises(EksError, match="no valid YAML at line 2") as refused:
        merge("a: b\ntoken: secret: x\n", context())
    assert "secret" not in refused.value.message
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "apiVersion: v1\nclusters: null\n", '{"kind": "Config"}'])
def test_files_with_nothing_in_them(text: str) -> None:
    plan = merge(text, context())
    assert entry(plan.text, "clusters", "blue")["server"] == "https://blue.eks.amazonaws.com"
    assert merge(plan.text, context()).text == plan.text


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
ENTRIES = st.dictionaries(st.text("abc-", min_size=1, max_size=6), SCALARS | st.lists(SCALARS, max_size=3), max_size=4)
NAMES = st.lists(st.text("xyz", min_size=1, max_size=4), unique=True, max_size=4)


@st.composite
def kubeconfig(draw: st.DrawFn) -> str:
    content: dict[str, Any] = {"kind": "Config"}
    for section, key in kubeconfigs.SECTIONS.items():
        content[section] = [{"name": name, key: draw(ENTRIES)} for name in draw(NAMES)]
    style = draw(st.sampled_from([None, True, False]))
    return str(yaml.safe_dump(content, default_flow_style=style, allow_unicode=draw(st.booleans())))


@given(text=kubeconfig(), first=st.sets(st.sampled_from("abcd")), second=st.sets(st.sampled_from("abcd")))
def test_others_stay_and_what_was_added_can_be_taken_away(text: str, first: set[str], second: set[str]) -> None:
    for names in (first, second):
        contexts = [context(name) for name in sorted(names)]
        plan = merge(text, *contexts)
        assert without(plan.text, *names) == without(text, *names)
        assert merge(plan.text, *contexts).text == plan.text
        removed = kubeconfigs.remove(plan.text, sorted(names), "config")
        assert yaml.safe_load(removed.text) == without(text, *names)
        text = plan.text


def test_certificates_have_one_form() -> None:
    ragged = "subject=x\n" + PEM.replace("QUFB", "QU\r\nFB") + "\n\n" + OTHER_PEM
    assert certificates_of(ragged, "blue") == (PEM, OTHER_PEM)
    with pytest.raises(EksError, match="has no CA certificate yet"):
        certificates_of("", "blue")
