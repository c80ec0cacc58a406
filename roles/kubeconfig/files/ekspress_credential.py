# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Exec credential program for kubectl and other Kubernetes clients: a bearer token for an EKS cluster.

It needs Python 3.9 and boto3, and no other file: copy it where you like. The cluster is named, or found by the stable
name of an environment, whose TXT record _eks.NAME says which cluster is active: v=eks1 cluster=NAME region=REGION.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import re
import stat
import struct
import sys
import time
from typing import Any

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
CLUSTER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
TXT_LABEL = "_eks"
RESOLVER = "EKSPRESS_RESOLVER"
RESOLV_CONF = "/etc/resolv.conf"

TOKEN_SECONDS = 14 * 60
"""EKS takes a token for 15 minutes after it was signed; the last one is left to clocks that differ."""
SIGNED_SECONDS = 60
"""X-Amz-Expires, which the authenticator asks for."""
SPARE_SECONDS = 60
"""What a token that is given out has left at least, where it is not new."""
LEFT_BEHIND = 24 * 3600
"""Seconds after which a file of the cache is of no use to anybody."""
DNS_SECONDS = 2.0
DNS_ROUNDS = 2
TXT = 16


class Failure(Exception):
    """What went wrong, its cause and the next step."""


def main(arguments: list[str]) -> int:
    """Print an ExecCredential; return the exit code."""
    options = _options(arguments)
    try:
        version = _api_version(os.environ.get("KUBERNETES_EXEC_INFO", ""))
        cache = Cache(_cache_directory())
        cluster, region = (options.cluster, options.region or "")
        if options.name:
            cluster, region = active_cluster(options.name, options.among)
        token, expires = _token(options, cluster, region, cache)
    except Failure as failure:
        print(f"ekspress_credential: {failure}", file=sys.stderr)
        return 1
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
    status = {"expirationTimestamp": expiration, "token": token}
    print(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ekspress_credential", description="Print a bearer token for an EKS cluster as an ExecCredential."
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--cluster", help="name of the EKS cluster")
    which.add_argument("--name", help="stable name of an environment; its TXT record names the cluster")
    parser.add_argument("--among", action="append", default=[], metavar="REGION/CLUSTER",
                        help="a cluster that --name may lead to; give it once for each (default: any)")  # fmt: skip
    parser.add_argument("--region", help="region of --cluster (default: that of the environment or the profile)")
    parser.add_argument("--profile", help="profile of the AWS configuration files")
    parser.add_argument("--role-arn", help="ARN of an IAM role to assume")
    parser.add_argument("--session-name", help="name of the role's session (default: your login name)")
    parser.add_argument("--external-id", help="external ID that the role's trust policy asks for")
    options = parser.parse_args(arguments)
    if options.cluster and not CLUSTER.fullmatch(options.cluster):
        parser.error(f"--cluster {options.cluster!r} is not an EKS cluster's name; give the name, not the ARN")
    if options.region and not REGION.fullmatch(options.region):
        parser.error(f"--region {options.region!r} is not a region, such as eu-central-1")
    if options.name and options.region:
        parser.error("--region belongs to --cluster: with --name the TXT record names the region")
    if (options.session_name or options.external_id) and not options.role_arn:
        parser.error("--session-name and --external-id belong to --role-arn")
    return options


def _api_version(info: str) -> str:
    """The version that the client asks for in KUBERNETES_EXEC_INFO; v1 where it says nothing."""
    if not info:
        return API_VERSIONS[0]
    try:
        version = json.loads(info)["apiVersion"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure("KUBERNETES_EXEC_INFO is no ExecCredential in JSON; unset it, or use kubectl.") from error
    if version not in API_VERSIONS:
        raise Failure(f"the client asks for {version}; set apiVersion of exec in the kubeconfig to {API_VERSIONS[0]}.")
    return str(version)


def active_cluster(name: str, among: list[str]) -> tuple[str, str]:
    """The active cluster of an environment and its region, by the TXT record of its stable name.

    It is asked for each time: resolvers keep it for its TTL already, and a token for the cluster before is refused.
    """
    bare = name.lower().rstrip(".")
    record = f"{TXT_LABEL}.{bare}"
    if len(record) > 253 or not all(LABEL.fullmatch(label) for label in record.split(".")):
        raise Failure(f"--name {name!r} is not a domain name, such as api.example.com.")
    cluster, region = parse_record(lookup(record), record)
    pair = f"{region}/{cluster}"
    if among and pair not in among:
        raise Failure(
            f"the TXT record {record} names {pair}, which is none of {', '.join(among)}. "
            "Get a new kubeconfig if the environment has new clusters; else somebody has forged the record."
        )
    return cluster, region


def parse_record(texts: list[str], record: str) -> tuple[str, str]:
    """Cluster and region from the texts of the TXT record."""
    ours = [text for text in texts if text.split(" ")[0] == "v=eks1"]
    if len(ours) != 1:
        raise Failure(
            f"the TXT record {record} has {len(ours)} texts that begin with v=eks1, and must have one. "
            "Write it with ekspress.eks.active_cluster, or name the cluster with --cluster."
        )
    fields = [field.partition("=")[::2] for field in ours[0].split()]
    found = dict(fields)
    cluster, region = found.get("cluster", ""), found.get("region", "")
    if len(found) != len(fields) or not CLUSTER.fullmatch(cluster) or not REGION.fullmatch(region):
        raise Failure(
            f"the TXT record {record} is {ours[0]!r}, and must be v=eks1 cluster=NAME region=REGION. "
            "Write it with ekspress.eks.active_cluster."
        )
    return cluster, region


def lookup(record: str) -> list[str]:
    """The texts of a TXT record, from the first resolver that knows."""
    problems: list[str] = []
    resolvers = _resolvers()
    for _round in range(DNS_ROUNDS):
        for host, port in resolvers:
            try:
                found = _ask(host, port, record)
            except (OSError, ValueError) as error:
                problems.append(f"{host}: {error or type(error).__name__}")
                continue
            if not found:
                raise Failure(
                    f"DNS has no TXT record {record} (asked {host}). Check the name, and that you are in the network "
                    "whose DNS knows it (VPN); or name the cluster with --cluster."
                )
            return found
    told = "; ".join(dict.fromkeys(problems))
    raise Failure(
        f"DNS did not answer for the TXT record {record}: {told}. Check the network, "
        f"or name a resolver in {RESOLVER} (address or address:port)."
    )


def _resolvers() -> list[tuple[str, int]]:
    given = os.environ.get(RESOLVER, "")
    if given:
        return [_address(item.strip()) for item in given.split(",")]
    try:
        with open(RESOLV_CONF, encoding="utf-8", errors="replace") as lines:
            words = [line.split() for line in lines]
    except OSError as error:
        raise Failure(f"{RESOLV_CONF} cannot be read ({error.strerror}). Name a resolver in {RESOLVER}.") from error
    found = [(line[1], 53) for line in words if len(line) > 1 and line[0] == "nameserver"]
    return found or [("127.0.0.1", 53)]


def _address(given: str) -> tuple[str, int]:
    host, colon, port = given.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):  # an address of IPv6 has several
        return given.strip("[]"), 53
    if not port.isdigit():
        raise Failure(f"{RESOLVER} has {given!r}; write an address, address:port or [IPv6 address]:port.")
    return host.strip("[]"), int(port)


def _ask(host: str, port: int, record: str) -> list[str]:
    """Ask one resolver, over TCP where the answer does not fit a datagram. RFC 1035, RFC 7766."""
    import socket  # noqa: PLC0415 - only where there is something to ask

    labels = b"".join(bytes([len(label)]) + label.encode() for label in record.split("."))
    question = labels + struct.pack(">xHH", TXT, 1)
    query = os.urandom(2) + struct.pack(">5H", 0x0100, 1, 0, 0, 0) + question

    def answers(packet: bytes) -> bool:
        return packet[:2] == query[:2] and packet[12 : 12 + len(question)].lower() == question

    family, kind, _protocol, _canonical, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    deadline, packet = time.monotonic() + DNS_SECONDS, b""
    with socket.socket(family, kind) as datagrams:
        datagrams.connect(address)
        datagrams.send(query)
        while not answers(packet):  # anything else is an old answer, or one of somebody who guesses
            datagrams.settimeout(max(0.001, deadline - time.monotonic()))
            packet = datagrams.recv(65535)
    if packet[2] & 0x02:
        with socket.create_connection((host, port), DNS_SECONDS) as stream, stream.makefile("rb") as received:
            stream.sendall(struct.pack(">H", len(query)) + query)
            packet = received.read(int.from_bytes(received.read(2), "big"))
        if not answers(packet):
            raise ValueError("its answer over TCP is to another question")
    return read_answer(packet, 12 + len(question))


def read_answer(packet: bytes, offset: int) -> list[str]:
    """The texts in an answer whose records begin at an offset; ValueError where it is none."""
    code = packet[3] & 0x0F
    if not packet[2] & 0x80 or code not in (0, 3):
        raise ValueError(f"it answered with the code {code}")
    texts = []
    try:
        for _record in range(int.from_bytes(packet[6:8], "big")):
            while 0 < packet[offset] < 0xC0:
                offset += 1 + packet[offset]
            offset += 10 + (2 if packet[offset] else 1)
            kind, length = struct.unpack(">H6xH", packet[offset - 10 : offset])
            data, offset = packet[offset : offset + length], offset + length
            if kind == TXT:
                texts.append(_strings(data))
    except (IndexError, struct.error) as error:
        raise ValueError("its answer is cut off") from error
    if offset > len(packet):
        raise ValueError("its answer is cut off")
    return texts


def _strings(data: bytes) -> str:
    """The strings of a TXT record, one after the other, as one text."""
    text, offset = b"", 0
    while offset < len(data):
        text += data[offset + 1 : offset + 1 + data[offset]]
        offset += 1 + data[offset]
    return text.decode("utf-8", "replace")


def _token(options: argparse.Namespace, cluster: str, region: str, cache: Cache) -> tuple[str, float]:
    """A token for the cluster and when it ends, from the cache where one is left that has time to spare."""
    wanted = [options.profile, options.role_arn, options.session_name, options.external_id]
    key = ["token", cluster, region, wanted, _identity()]
    known = cache.read(key, SPARE_SECONDS)
    if known is not None:
        return str(known["token"]), float(known["ends"])
    token, expires = _mint(options, cluster, region)
    cache.write(key, {"token": token, "ends": expires}, expires)
    return token, expires


def _identity() -> list[Any]:
    """All that decides by whose credentials a token is signed; only a hash of it is kept."""
    aws = os.path.join(os.path.expanduser("~"), ".aws")
    files = [
        os.environ.get("AWS_CONFIG_FILE") or os.path.join(aws, "config"),
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.join(aws, "credentials"),
    ]
    for directory in (os.path.join(aws, "sso", "cache"), os.path.join(aws, "login", "cache")):
        try:
            files += sorted(entry.path for entry in os.scandir(directory))
        except OSError:
            continue
    variables = sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))
    return [variables, [[path, _stamp(os.path.expanduser(path))] for path in files]]


def _stamp(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def _mint(options: argparse.Namespace, cluster: str, region: str) -> tuple[str, float]:
    """Sign sts:GetCallerIdentity for the cluster, with the credentials that there are or those of the role."""
    try:
        # Slow: only where the cache has no token.
        import botocore.auth  # noqa: PLC0415
        import botocore.awsrequest  # noqa: PLC0415
        import botocore.exceptions  # noqa: PLC0415
        import botocore.session  # noqa: PLC0415
    except ImportError as error:
        raise Failure(
            f"{sys.executable} has no boto3. Install it with: {sys.executable} -m pip install boto3"
        ) from error
    what = "opening an AWS session"
    try:
        session = botocore.session.Session(profile=options.profile or None)
        region = region or str(session.get_config_variable("region") or "")
        if not REGION.fullmatch(region):
            raise Failure(f"no region is known for the cluster {cluster}. Give --region, or set AWS_REGION.")
        partition = session.get_partition_for_region(region)
        known = session.get_component("data_loader").load_data_with_path("endpoints")[0]["partitions"]
        suffix = next(item["dnsSuffix"] for item in known if item["partition"] == partition)
        what = "reading AWS credentials"
        credentials = session.get_credentials()
        if credentials is None:
            raise Failure(
                "there are no AWS credentials. Log in (aws sso login), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY."
            )
        keys = credentials.get_frozen_credentials()
        ends = getattr(credentials, "_expiry_time", None)
        if options.role_arn:
            what = f"assuming {options.role_arn}"
            keys, ends = _assume(session, options, region)
        request = botocore.awsrequest.AWSRequest(
            method="GET",
            url=f"https://sts.{region}.{suffix}/",
            params={"Action": "GetCallerIdentity", "Version": "2011-06-15"},
            headers={"x-k8s-aws-id": cluster},
        )
        now = time.time()
        botocore.auth.SigV4QueryAuth(keys, "sts", region, expires=SIGNED_SECONDS).add_auth(request)
        url = request.prepare().url
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Failure(f"{what} failed for the cluster {cluster}: {_cause(error)}") from error
    # A token dies with the credentials that signed it.
    expires = min(now + TOKEN_SECONDS, ends.timestamp() if ends else now + TOKEN_SECONDS)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("="), expires


def _assume(session: Any, options: argparse.Namespace, region: str) -> tuple[Any, Any]:
    import botocore.config  # noqa: PLC0415
    import botocore.credentials  # noqa: PLC0415

    config = botocore.config.Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "max_attempts": 3})
    arguments = {"RoleArn": options.role_arn, "RoleSessionName": options.session_name or _login()}
    if options.external_id:
        arguments["ExternalId"] = options.external_id
    answer = session.create_client("sts", region_name=region, config=config).assume_role(**arguments)["Credentials"]
    keys = botocore.credentials.ReadOnlyCredentials(
        answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]
    )
    return keys, answer["Expiration"]


def _login() -> str:
    """The login name, as a session's name may be: who it was is then in the audit log."""
    import getpass  # noqa: PLC0415

    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:64].ljust(2, "-") if name else "ekspress.eks"


def _cause(error: Exception) -> str:
    """A botocore error and what to do, without what follows the first line: that may be the signed request."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
    text = str(error).partition("\n")[0].rstrip(".")
    if "AccessDenied" in code:
        return f"{text}. Ask for the right to assume the role, or name another role or profile."
    if "SSO" in code or "Token" in code or "Credential" in code:
        return f"{text}. Log in again (aws sso login), or name another profile."
    return f"{text}. Check the profile, the region and the network."


def _cache_directory() -> str:
    base = os.environ.get("XDG_CACHE_HOME", "")
    base = base if os.path.isabs(base) else os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "ekspress.eks", "credentials")


class Cache:
    """Files that only this user can read, named by a hash of what they are for. Others' files are not used."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._usable = hasattr(os, "geteuid") and self._prepare()

    def read(self, key: list[Any], spare: float = 0.0) -> dict[str, Any] | None:
        """What was written for the key, where it lasts longer than ``spare`` seconds."""
        path = self._path(key)
        if not self._usable or not os.path.lexists(path):
            return None
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
                refused = _others(os.fstat(file.fileno()), stat.S_ISREG)
                text = "" if refused else file.read()
        except (OSError, ValueError) as error:
            refused, text = f"it cannot be read: {error}", ""
        if refused:
            print(f"ekspress_credential: {path} is not used: {refused}. It is replaced.", file=sys.stderr)
            return None
        try:
            kept = json.loads(text)
            now = time.time()
            return dict(kept["value"]) if kept["since"] <= now < kept["until"] - spare else None
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, key: list[Any], value: dict[str, Any], until: float) -> None:
        """Keep something; a reader finds all of it or what was there before."""
        if not self._usable:
            return
        path = self._path(key)
        new = f"{path}.{os.getpid()}.{os.urandom(8).hex()}"
        try:
            self._clear()
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump({"since": time.time(), "until": until, "value": value}, file)
                os.replace(new, path)
            except BaseException:
                os.unlink(new)
                raise
        except OSError as error:
            print(f"ekspress_credential: nothing is kept in {self._directory}: {error.strerror}", file=sys.stderr)

    def _prepare(self) -> bool:
        try:
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            problem = _others(os.lstat(self._directory), stat.S_ISDIR)
        except OSError as error:
            problem = str(error.strerror)
        if problem:
            print(
                f"ekspress_credential: the cache {self._directory} is not used: {problem}. Remove it; it is made anew.",
                file=sys.stderr,
            )
        return not problem

    def _path(self, key: list[Any]) -> str:
        return os.path.join(self._directory, hashlib.sha256(json.dumps(key).encode()).hexdigest())

    def _clear(self) -> None:
        old = time.time() - LEFT_BEHIND
        for entry in os.scandir(self._directory):
            with contextlib.suppress(OSError):  # another process may have removed it just now
                if entry.stat(follow_symlinks=False).st_mtime < old:
                    os.unlink(entry.path)


def _others(found: os.stat_result, is_kind: Any) -> str:
    """Why a file or directory is not only this user's; '' where it is."""
    if not is_kind(found.st_mode):
        return "it is of another kind"
    if found.st_uid != os.geteuid():
        return f"it belongs to the user with the number {found.st_uid}"
    return "others may use it" if found.st_mode & 0o077 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
