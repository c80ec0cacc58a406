# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The exec credential program's parts: answers of DNS, the TXT record, the cache."""

from __future__ import annotations

import ast
import json
import os
import stat
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _active_cluster_plan as records
from hypothesis import given
from hypothesis import strategies as st

from tests.credential_program import PROGRAM, imported
from tests.dns_server import DnsServer, Record

program = imported()
NAME, RECORD = "api.example.com", "_eks.api.example.com"
TEXT = "v=eks1 cluster=blue region=eu-central-1"
Change = Any


def test_it_is_python_of_3_9_and_imports_nothing_but_the_standard_library_and_botocore() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {name for name in names if name.split(".")[0] not in __import__("sys").stdlib_module_names} == {
        "botocore.auth",
        "botocore.awsrequest",
        "botocore.config",
        "botocore.credentials",
        "botocore.exceptions",
        "botocore.session",
    }


@given(
    cluster=st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", fullmatch=True),
    region=st.sampled_from(["eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1"]),
)
def test_it_reads_what_the_module_writes(cluster: str, region: str) -> None:
    assert program.parse_record([records.text_of(cluster, region)], RECORD) == (cluster, region)


@given(text=st.text(max_size=60) | st.from_regex(r"v=eks1( (cluster|region|x)=[a-z0-9-]{0,12}){0,4}", fullmatch=True))
def test_both_readers_take_and_refuse_the_same_texts(text: str) -> None:
    try:
        found = program.parse_record([text], RECORD)
    except program.Failure:
        found = None
    assert found == records.read_text(text)


@pytest.mark.parametrize("texts", [[], ["v=spf1 -all"], [TEXT, TEXT]])
def test_one_text_of_ours_is_needed(texts: list[str]) -> None:
    with pytest.raises(program.Failure, match="must have one"):
        program.parse_record(texts, RECORD)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Any:
    with DnsServer(lambda name: [Record("TXT", f'"{TEXT}"', 30)] if name == RECORD else []) as server:
        monkeypatch.setenv(program.RESOLVER, server.address)
        yield server


def test_a_record_is_asked_for_over_udp(dns: DnsServer) -> None:
    assert program.lookup(RECORD) == [TEXT]
    assert dns.asked == [("udp", RECORD)]


def test_what_does_not_fit_is_asked_for_over_tcp(dns: DnsServer) -> None:
    long = "x" * 250
    dns.lookup = lambda _name: [Record("TXT", f'"{long}" "{long}"') for _copy in range(4)]

    def cut(protocol: str, answer: bytes) -> bytes:
        return (
            answer if protocol == "tcp" else answer[:2] + bytes([answer[2] | 2]) + answer[3:6] + b"\0\0" + answer[8:64]
        )

    dns.change = cut
    assert program.lookup(RECORD) == [long + long] * 4
    assert [protocol for protocol, _name in dns.asked] == ["udp", "tcp"]


def test_an_alias_on_the_way_is_followed(dns: DnsServer) -> None:
    """As a resolver answers a CNAME: the alias, and then what it leads to, under that name."""
    target = b"\x01t\xc0\x11"  # t, and then what follows the question's first label
    alias = struct.pack(">HHHIH", 0xC00C, 5, 1, 7, len(target)) + target

    def chain(_protocol: str, answer: bytes) -> bytes:
        end = answer.index(b"\0\0\x10\0\1") + 5
        own = answer[end + 2 :]
        return answer[:7] + b"\x02" + answer[8:end] + alias + b"\x01t\xc0\x11" + own

    dns.change = chain
    assert program.lookup(RECORD) == [TEXT]


WRONG: dict[str, Change] = {
    "another id": lambda answer: bytes([answer[0] ^ 1]) + answer[1:],
    "another question": lambda answer: answer.replace(b"api", b"apj"),
    "too short": lambda answer: answer[:7],
}
BROKEN: dict[str, Change] = {
    "a server's failure": lambda answer: answer[:3] + b"\x82" + answer[4:],
    "refused": lambda answer: answer[:3] + b"\x85" + answer[4:],
    "a question": lambda answer: answer[:2] + b"\x01" + answer[3:],
    "cut off": lambda answer: answer[:-5],
    "more records than there are": lambda answer: answer[:7] + b"\x09" + answer[8:],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_answers_to_something_else_are_passed_over(
    dns: DnsServer, wrong: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "DNS_SECONDS", 0.2)
    dns.change = lambda _protocol, answer: wrong(answer)
    with pytest.raises(program.Failure, match=f"DNS did not answer for the TXT record {RECORD}: "):
        program.lookup(RECORD)
    assert len(dns.asked) == program.DNS_ROUNDS


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_another_resolver_is_asked_where_one_fails(
    dns: DnsServer, broken: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DnsServer(dns.lookup) as second:
        dns.change = lambda _protocol, answer: broken(answer)
        monkeypatch.setenv(program.RESOLVER, f"{dns.address}, {second.address}")
        assert program.lookup(RECORD) == [TEXT]
        assert (len(dns.asked), len(second.asked)) == (1, 1)


def test_a_record_that_is_not_there_is_not_asked_for_again(dns: DnsServer) -> None:
    with pytest.raises(program.Failure, match=r"DNS has no TXT record _eks.other \(asked 127.0.0.1\)"):
        program.lookup("_eks.other")
    assert len(dns.asked) == 1


@given(packet=st.binary(max_size=80))
def test_no_answer_upsets_it(packet: bytes) -> None:
    """Whatever comes, it is read to its end or refused, and never read for ever."""
    head = b"\x00\x00\x81\x80\x00\x01\x00\x05\x00\x00\x00\x00"
    try:
        texts = program.read_answer(head + packet, 12)
    except ValueError:
        return
    assert all(isinstance(text, str) for text in texts)


@pytest.mark.parametrize(
    ("given_as", "address"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_resolver_is_an_address_with_or_without_a_port(
    monkeypatch: pytest.MonkeyPatch, given_as: str, address: tuple[str, int]
) -> None:
    monkeypatch.setenv(program.RESOLVER, given_as)
    assert program._resolvers() == [address]


def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(program.RESOLVER, "192.0.2.1:domain")
    with pytest.raises(program.Failure, match="address:port"):
        program._resolvers()


def test_resolvers_are_those_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(program.RESOLVER, raising=False)
    (tmp_path / "resolv.conf").write_text("# nameserver 1\nsearch a\nnameserver 192.0.2.1\nnameserver 2001:db8::1 x\n")
    monkeypatch.setattr(program, "RESOLV_CONF", str(tmp_path / "resolv.conf"))
    assert program._resolvers() == [("192.0.2.1", 53), ("2001:db8::1", 53)]
    monkeypatch.setattr(program, "RESOLV_CONF", str(tmp_path / "nowhere"))
    with pytest.raises(program.Failure, match="Name a resolver in EKSPRESS_RESOLVER"):
        program._resolvers()


def test_the_record_leads_only_to_clusters_that_are_known(dns: DnsServer) -> None:
    assert program.active_cluster(NAME, ["eu-central-1/blue"]) == ("blue", "eu-central-1")
    with pytest.raises(program.Failure, match="names eu-central-1/blue, which is none of us-east-1/blue"):
        program.active_cluster(NAME, ["us-east-1/blue"])


@pytest.mark.parametrize("name", ["a b", "a..b", "-", "x" * 64, "a." * 130, ""])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(program.Failure, match="is not a domain name"):
        program.active_cluster(name, [])


def test_a_switch_is_followed_at_once(dns: DnsServer) -> None:
    assert program.active_cluster(NAME, []) == ("blue", "eu-central-1")
    dns.lookup = lambda _name: [Record("TXT", f'"{records.text_of("green", "eu-west-1")}"', 3600)]
    assert program.active_cluster(NAME, []) == ("green", "eu-west-1")


def test_a_cache_is_its_owners_alone(tmp_path: Path) -> None:
    cache = program.Cache(str(tmp_path / "a" / "cache"))
    cache.write(["k"], {"token": "t"}, time.time() + 60)
    (file,) = (tmp_path / "a" / "cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert cache.read(["k"]) == {"token": "t"}
    assert cache.read(["k"], spare=60) is None
    assert cache.read(["l"]) is None


def readable_by_others(file: Path) -> None:
    file.chmod(0o644)


def a_link(file: Path) -> None:
    file.rename(file.parent / "elsewhere")
    file.symlink_to(file.parent / "elsewhere")


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


@pytest.mark.parametrize("spoil", [readable_by_others, a_link, a_pipe])
def test_a_file_that_is_not_safe_is_not_used_but_replaced(
    spoil: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = program.Cache(str(tmp_path))
    os.chmod(tmp_path, 0o700)
    cache = program.Cache(str(tmp_path))
    cache.write(["k"], {"token": "secret"}, time.time() + 60)
    (file,) = tmp_path.iterdir()
    spoil(file)
    assert cache.read(["k"]) is None
    told = capsys.readouterr().err
    assert f"{file} is not used" in told
    assert "secret" not in told
    cache.write(["k"], {"token": "new"}, time.time() + 60)
    assert cache.read(["k"]) == {"token": "new"}


@pytest.mark.parametrize("others", ["rights", "owner", "file"])
def test_a_directory_that_is_not_safe_is_not_used(
    others: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "cache"
    if others == "file":
        directory.write_text("")
    else:
        directory.mkdir(mode=0o700)
    if others == "rights":
        directory.chmod(0o770)
    if others == "owner":
        mine = os.geteuid()
        monkeypatch.setattr(program.os, "geteuid", lambda: mine + 1)
    cache = program.Cache(str(directory))
    cache.write(["k"], {"token": "t"}, time.time() + 60)
    assert cache.read(["k"]) is None
    assert f"the cache {directory} is not used" in capsys.readouterr().err
    assert directory.is_file() or list(directory.iterdir()) == []


def test_old_files_go(tmp_path: Path) -> None:
    cache = program.Cache(str(tmp_path / "cache"))
    cache.write(["old"], {}, time.time())
    (old,) = (tmp_path / "cache").iterdir()
    long_ago = time.time() - program.LEFT_BEHIND - 1
    os.utime(old, (long_ago, long_ago))
    cache.write(["new"], {}, time.time())
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert not old.exists()


def test_what_is_no_record_of_the_cache_counts_for_nothing(tmp_path: Path) -> None:
    cache = program.Cache(str(tmp_path / "cache"))
    cache.write(["k"], {}, time.time() + 60)
    (file,) = (tmp_path / "cache").iterdir()
    for text in ("", "[]", "{}", '{"since": "x", "until": 1, "value": {}}', json.dumps({"since": 0, "until": 9e9})):
        file.write_text(text)
        assert cache.read(["k"]) is None


def test_readers_find_whole_files_while_others_write(tmp_path: Path) -> None:
    cache = program.Cache(str(tmp_path / "cache"))
    value = {"token": "x" * 50_000}
    cache.write(["k"], value, time.time() + 600)
    found: list[Any] = []
    writers = [
        threading.Thread(target=lambda: [cache.write(["k"], value, time.time() + 600) for _turn in range(40)])
        for _writer in range(3)
    ]
    for writer in writers:
        writer.start()
    running = True
    while running:
        running = any(writer.is_alive() for writer in writers)
        found.append(cache.read(["k"]) == value)
    assert all(found)


def test_what_cannot_be_cleared_stands_in_nobodys_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = program.Cache(str(tmp_path / "cache"))
    (tmp_path / "cache" / "directory").mkdir()
    os.utime(tmp_path / "cache" / "directory", (0, 0))
    cache.write(["k"], {"token": "t"}, time.time() + 600)
    assert cache.read(["k"]) == {"token": "t"}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ("", "client.authentication.k8s.io/v1"),
        ('{"apiVersion": "client.authentication.k8s.io/v1", "spec": {}}', "client.authentication.k8s.io/v1"),
        ('{"apiVersion": "client.authentication.k8s.io/v1beta1"}', "client.authentication.k8s.io/v1beta1"),
    ],
)
def test_it_answers_in_the_version_that_the_client_asks_for(info: str, version: str) -> None:
    assert program._api_version(info) == version


@pytest.mark.parametrize("info", ["x", "[]", "{}", '{"apiVersion": "client.authentication.k8s.io/v1alpha1"}'])
def test_other_versions_are_refused(info: str) -> None:
    with pytest.raises(program.Failure):
        program._api_version(info)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--cluster", "a", "--name", "b"],
        ["--cluster", "arn:aws:eks:x"],
        ["--cluster", "a", "--region", "nowhere"],
        ["--name", "a", "--region", "eu-central-1"],
        ["--cluster", "a", "--session-name", "b"],
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(arguments)
    assert "usage: ekspress_credential" in capsys.readouterr().err


def test_a_session_is_named_after_who_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for login, name in (("alice", "alice"), ("DOM\\böb", "DOM-b-b"), ("x", "x-"), ("y" * 80, "y" * 64)):
        monkeypatch.setattr("getpass.getuser", lambda login=login: login)
        assert program._login() == name
