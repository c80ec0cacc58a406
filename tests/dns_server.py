# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small DNS server on loopback, over UDP and TCP, which answers from records that a test gives, Route 53's too."""

from __future__ import annotations

import re
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TYPES = {"A": 1, "CNAME": 5, "TXT": 16}


@dataclass(frozen=True)
class Record:
    """A record: its type's name, its value as Route 53 has it, its TTL."""

    kind: str
    value: str
    ttl: int = 60


Lookup = Callable[[str], list[Record]]


def route53_lookup(route53: Any, zone_id: str) -> Lookup:
    """Records of a hosted zone of the emulated account, as they are at each question."""

    def lookup(name: str) -> list[Record]:
        sets = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        return [
            Record(item["Type"], value["Value"], item["TTL"])
            for item in sets
            if item["Name"].rstrip(".") == name and item["Type"] in TYPES
            for value in item["ResourceRecords"]
        ]

    return lookup


class DnsServer:
    """Answers on a free port of 127.0.0.1, the same one for UDP and TCP.

    ``change`` may change an answer before it is sent, given the protocol; b"" sends none. ``asked`` are the questions.
    """

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.change: Callable[[str, bytes], bytes] = lambda _protocol, answer: answer
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Datagrams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, listener = self.request
                answer = outer._answer("udp", data)
                if answer:
                    listener.sendto(answer, self.client_address)

        class Streams(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                (length,) = struct.unpack(">H", self.rfile.read(2))
                answer = outer._answer("tcp", self.rfile.read(length))
                if answer:
                    self.wfile.write(struct.pack(">H", len(answer)) + answer)

        self._servers: list[socketserver.BaseServer] = []
        while not self._servers:
            stream = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Streams)
            try:
                datagram = socketserver.ThreadingUDPServer(stream.server_address[:2], Datagrams)
            except OSError:  # somebody else has this port of UDP: another one
                stream.server_close()
                continue
            self._servers = [stream, datagram]
        self.address = f"127.0.0.1:{stream.server_address[1]}"

    def __enter__(self) -> DnsServer:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _answer(self, protocol: str, query: bytes) -> bytes:
        labels, offset = [], 12
        while query[offset]:
            labels.append(query[offset + 1 : offset + 1 + query[offset]].decode())
            offset += 1 + query[offset]
        (kind,) = struct.unpack(">H", query[offset + 1 : offset + 3])
        name = ".".join(labels).lower()
        self.asked.append((protocol, name))
        known = self.lookup(name)
        records = [item for item in known if TYPES[item.kind] == kind]
        head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(records), 0, 0)
        answers = b"".join(_record(item) for item in records)
        return self.change(protocol, head + query[12 : offset + 5] + answers)


def _record(record: Record) -> bytes:
    data = {"A": _address, "CNAME": _name, "TXT": _text}[record.kind](record.value)
    # Its name is a pointer to that of the question.
    return struct.pack(">HHHIH", 0xC00C, TYPES[record.kind], 1, record.ttl, len(data)) + data


def _address(value: str) -> bytes:
    return bytes(int(part) for part in value.split("."))


def _name(value: str) -> bytes:
    labels = value.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def _text(value: str) -> bytes:
    return b"".join(bytes([len(text)]) + text.encode() for text in re.findall(r'"([^"]*)"', value))
