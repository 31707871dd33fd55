"""The other side: an HTTP and an SMTP server that do as little as they can, in a process of their own.

``GET /count`` on the HTTP port tells how much arrived and the latencies of what carried its time of sending.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

import uvloop

SENT = re.compile(rb'sent"?(?:=3D|=|":\s*"?|: ?"?)(\d{6,})')


class Counts:
    """What arrived since the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0
        self.latencies: list[float] = []

    def arrived(self, body: bytes) -> None:
        now = time.monotonic()
        self.first = self.first or now
        self.last = now
        self.count += 1
        found = SENT.search(body)
        if found:
            self.latencies.append(now - int(found[1]) / 1e9)


COUNTS = Counts()


class Http(asyncio.Protocol):
    """Answers 200 to every POST; knows Content-Length and nothing else."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            body, self.buffer = rest[:size], rest[size:]
            if head.startswith(b"GET"):
                self.answer(self.told(head))
            else:
                COUNTS.arrived(body)
                self.answer(b"{}")

    def told(self, head: bytes) -> bytes:
        told = {"count": COUNTS.count, "seconds": COUNTS.last - COUNTS.first, "latencies": COUNTS.latencies}
        if head.startswith(b"GET /reset"):
            COUNTS.reset()
        if head.startswith(b"GET /number"):
            told.pop("latencies")
        return json.dumps(told).encode()

    def answer(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Smtp(asyncio.Protocol):
    """Accepts every message; knows EHLO, MAIL, RCPT, DATA, RSET, NOOP and QUIT, pipelined or not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer, self.in_data = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            if self.in_data:
                text, found, rest = self.buffer.partition(b"\r\n.\r\n")
                if not found:
                    return
                self.buffer, self.in_data = rest, False
                COUNTS.arrived(text)
                self.transport.write(b"250 ok\r\n")
                continue
            line, found, rest = self.buffer.partition(b"\r\n")
            if not found:
                return
            self.buffer = rest
            self.command(line[:4].upper())

    def command(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self.transport.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
        elif verb == b"DATA":
            self.in_data = True
            self.transport.write(b"354 go\r\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 ok\r\n")


async def main(http_port: int, smtp_port: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    await loop.create_server(Http, "127.0.0.1", http_port, backlog=1024)
    await loop.create_server(Smtp, "127.0.0.1", smtp_port, backlog=1024)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
