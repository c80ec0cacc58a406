# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A webhook with its Deployment, Service and certificates, as controllers bring it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox.kube_client import KubeClient

DAY = timedelta(days=1)
Key = ec.EllipticCurvePrivateKey


def authority(name: str) -> tuple[x509.Certificate, Key]:
    """Make a certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _certificate(name, key, None, key), key


def serving(host: str, issuer: tuple[x509.Certificate, Key]) -> tuple[x509.Certificate, Key]:
    """Make a serving certificate of an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _certificate(host, key, issuer[0].subject, issuer[1]), key


def pem(certificate: x509.Certificate) -> str:
    """Return a certificate as Kubernetes wants it in its fields: base64 of PEM."""
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode()


def _certificate(name: str, key: Key, issuer: x509.Name | None, signer: Key) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(signer, hashes.SHA256())


class Webhook:
    """A webhook for ConfigMaps that carry the label hook=<name>, in a namespace of its own."""

    def __init__(self, kube: KubeClient, name: str) -> None:
        self.kube = kube
        self.name = name
        self.authority = authority("the right authority")
        # Seconds; the most that Kubernetes allows, as a busy machine may take its time to answer.
        self.patience = 30

    def install(self) -> None:
        """Create everything, with no pods yet."""
        certificate, key = serving(f"{self.name}.{self.name}.svc", self.authority)
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        data = {"tls.crt": pem(certificate), "tls.key": base64.b64encode(plain).decode()}
        self._apply("v1", "Namespace")
        self._apply("v1", "Secret", type="kubernetes.io/tls", data=data)
        self._apply("v1", "Service", spec={"selector": {"app": "x"}, "ports": [{"port": 443, "targetPort": "hook"}]})
        self.trust(self.authority[0])

    def trust(self, certificate: x509.Certificate) -> None:
        """Register the webhook with a caBundle."""
        service = {"name": self.name, "namespace": self.name, "path": "/validate", "port": 443}
        hook = {
            "name": f"{self.name}.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": self.patience,
            "failurePolicy": "Fail",
            "clientConfig": {"caBundle": pem(certificate), "service": service},
            "objectSelector": {"matchLabels": {"hook": self.name}},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
            ],
        }
        self._apply("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=[hook])

    def scale(self, replicas: int, port: int = 9443, annotations: dict[str, str] | None = None) -> None:
        """Have a number of pods with a container port."""
        container = {"name": "x", "image": "x", "ports": [{"name": "hook", "containerPort": port}]}
        pod = {"containers": [container], "volumes": [{"name": "tls", "secret": {"secretName": self.name}}]}
        meta = {"labels": {"app": "x"}, "annotations": annotations or {}}
        template = {"metadata": meta, "spec": pod}
        selector = {"matchLabels": {"app": "x"}}
        self._apply("apps/v1", "Deployment", spec={"replicas": replicas, "selector": selector, "template": template})

    def ready(self) -> list[str]:
        """Return the addresses of the Service's ready endpoints."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{self.name}/endpointslices"
        slices = self.kube.get(path)["items"]
        return [
            address
            for item in slices
            for endpoint in item["endpoints"] or ()
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        ]

    def call(self) -> tuple[int, str]:
        """Create an object that the webhook must admit, as a dry run; return the status and the message."""
        meta = {"name": "probe", "labels": {"hook": self.name}}
        path = f"/api/v1/namespaces/{self.name}/configmaps?dryRun=All"
        status, body = self.kube.request("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        return status, body.get("message", "")

    def answers(self, status: int, words: str) -> bool:
        """Tell whether the call has this status, with these words in its message."""
        found, message = self.call()
        return found == status and words in message

    def _apply(self, version: str, kind: str, **fields: Any) -> None:
        meta = {"name": self.name, "namespace": self.name}
        self.kube.apply({"apiVersion": version, "kind": kind, "metadata": meta, **fields}, "test")
