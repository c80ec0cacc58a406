# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate authority of a sandbox: for AWS's names where a program calls them over TLS, and for its webhooks."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.state import write_file

_LIFETIME = timedelta(days=3650)
_CLOCK_SKEW = timedelta(days=1)


class Authority:
    """A certificate authority whose certificate and key are in a directory; made where there are none."""

    def __init__(self, directory: Path) -> None:
        self.certificate_file = directory / "ca.crt"
        key_file = directory / "ca.key"
        if not (self.certificate_file.exists() and key_file.exists()):
            key = ec.generate_private_key(ec.SECP256R1())
            made = _builder("ekspress sandbox", "ekspress sandbox", key).add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
            write_file(key_file, _key_text(key))
            write_file(self.certificate_file, _certificate_text(made.sign(key, hashes.SHA256())))
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self._key = loaded
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._guard = threading.Lock()

    def issue(self, host: str) -> tuple[str, str]:
        """Return a certificate for a server's name or address, and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            _builder(host, "ekspress sandbox", key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_name(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return _certificate_text(made.sign(self._key, hashes.SHA256())), _key_text(key)

    def context(self, host: str) -> ssl.SSLContext:
        """Return the TLS settings of a server of this name."""
        with self._guard:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                    file.write("".join(self.issue(host)))
                    file.flush()
                    context.load_cert_chain(file.name)
                self._contexts[host] = context
            return self._contexts[host]


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(subject))
        .issuer_name(_common_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificate_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
