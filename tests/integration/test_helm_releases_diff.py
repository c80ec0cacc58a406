# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What --diff shows of the objects of releases, in check mode and after a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.helm_releases_support import CONFIG_MAP, DEPLOYMENT, NOWHERE, Ground, Run, write_chart

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData:
  fixed: {{ .Values.word | quote }}
  {{- if .Values.random }}
  random: {{ randAlphaNum 20 }}
  {{- end }}
"""
LOOKUP = """\
{{- $found := lookup "v1" "ConfigMap" .Release.Namespace "web" }}
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  count: {{ if $found }}{{ add1 (int $found.data.count) | quote }}{{ else }}"0"{{ end }}
"""


def shown(run: Run, ground: Ground, side: str) -> dict[str, Any]:
    """One side of the diff of the release web, without what Helm's record and the values say."""
    entries = run.result["diff"][side][f"{ground.namespace}/web"]
    return {key: value for key, value in entries.items() if not key.startswith(("chart", "status", "values."))}


def test_the_objects_are_shown_as_they_will_be_and_secrets_are_not(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", DEPLOYMENT, SECRET, values="replicas: 1\nnodeSelector: {}\n")
    release = ground.release("web", chart, values={"word": "hunter2-one", "replicas": 1})
    new = ground.run(release, check=True)
    assert shown(new, ground, "before") == {}
    assert shown(new, ground, "after")["Deployment web: spec.template.spec.containers[main].image"]
    assert shown(new, ground, "after")["Secret web: stringData.fixed"] == "(hidden)"
    assert shown(ground.run(release), ground, "after") == shown(new, ground, "after")

    changed = {**release, "values": {"word": "hunter2-two", "replicas": 2}}
    foretold = ground.run(changed, check=True)
    assert shown(foretold, ground, "before") == {
        "Deployment web: spec.replicas": 1,
        "Secret web: stringData.fixed": "(hidden)",
    }
    assert shown(foretold, ground, "after") == {
        "Deployment web: spec.replicas": 2,
        "Secret web: stringData.fixed": "(hidden, changed)",
    }
    done = ground.run(changed)
    assert done.result["diff"] == foretold.result["diff"]
    texts = [json.dumps({key: run.result["diff"][key] for key in ("before", "after")}) for run in (new, foretold, done)]
    assert all("Secret web" in text for text in texts)

    gone = ground.run({**release, "state": "absent"}, check=True, helm_binary=NOWHERE)
    assert shown(gone, ground, "before")["Deployment web: spec.replicas"] == 2
    assert shown(gone, ground, "after") == {}
    assert ground.run({**release, "state": "absent"}).result["diff"] == gone.result["diff"]


def test_what_is_made_anew_each_time_is_told(ground: Ground, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "web", SECRET)
    release = ground.release("web", chart, values={"word": "a", "random": True})
    ground.run(release)
    foretold = ground.run({**release, "values": {"word": "b", "random": True}}, check=True)
    assert shown(foretold, ground, "after") == {
        "Secret web: stringData.fixed": "(hidden, changed)",
        "Secret web: stringData.random": "(made anew each time)",
    }


def test_what_a_chart_looks_up_in_the_cluster_is_foretold(ground: Ground, tmp_path: Path) -> None:
    release = ground.release("web", write_chart(tmp_path / "web", LOOKUP))
    ground.run(release)
    foretold = ground.run({**release, "values": {"a": 1}}, check=True)
    assert shown(foretold, ground, "before") == {"ConfigMap web: data.count": "0"}
    assert shown(foretold, ground, "after") == {"ConfigMap web: data.count": "1"}
    assert ground.kube.get(ground.path("configmaps", "web"))["data"] == {"count": "0"}


def test_where_a_diff_cannot_be_known_it_says_so(ground: Ground, tmp_path: Path) -> None:
    group = f"{ground.namespace}.example.com"
    chart = write_chart(tmp_path / "web", f"apiVersion: {group}/v1\nkind: Nothing\nmetadata: {{name: x}}\n")
    foretold = ground.run(ground.release("web", chart), check=True)
    assert "not known before this is done: " in shown(foretold, ground, "after")["manifest"]

    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    (tmp_path / "web" / "templates" / "0.yaml").write_text(CONFIG_MAP)
    ground.run(ground.release("web", chart))
    path = ground.path("secrets", "sh.helm.release.v1.web.v1")
    labels = {"metadata": {"labels": {"status": "pending-upgrade"}}}
    assert ground.kube.request("PATCH", path, labels, "application/merge-patch+json")[0] == 200
    foretold = ground.run(ground.release("web", chart), check=True)
    assert shown(foretold, ground, "after")["manifest"] == "not known before the status pending-upgrade is repaired"
