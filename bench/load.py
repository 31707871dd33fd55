"""The load: events over HTTP, as fast as they are taken or at a fixed rate; prints one JSON line of what it saw."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator

import uvloop

Head = Callable[[int], bytes]


def cloudevent(port: int, key: str, type: str, run: str) -> Callable[[int], bytes]:
    """Requests of CloudEvents in structured mode."""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/cloudevents+json\r\nContent-Length: "
    ).encode()

    def request(number: int) -> bytes:
        body = (
            f'{{"specversion":"1.0","id":"{run}-{number}","source":"bench","type":"{type}","data":{{"number":"{number}",'
            '"total":1234.5,"customer":{"name":"Maria Conceição","email":"maria@example.com"},'
            f'"items":[{{"name":"Cafeteira","quantity":1}},{{"name":"Xícara","quantity":6}}],"sent":{time.monotonic_ns()}}}}}'
        ).encode()
        return head + str(len(body)).encode() + b"\r\n\r\n" + body

    return request


class Sender(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], statuses: dict[str, int]) -> None:
        self.requests, self.latencies, self.statuses = requests, latencies, statuses
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer, self.began = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self.latencies.append(time.perf_counter() - self.began)
        status = head[9:12].decode()
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buffer = b""
        self.answered()

    def answered(self) -> None:
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the hub closed the connection"))


class Paced(Sender):
    """One connection that waits to be told to send."""

    busy = False

    def send(self) -> None:
        self.busy = True
        self.next()

    def answered(self) -> None:
        self.busy = False


async def flat_out(port: int, request: Head, count: int, connections: int) -> dict[str, object]:
    """As many as are taken, over so many connections."""
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    numbers = iter(range(count))
    requests = (request(number) for number in numbers)
    loop = asyncio.get_running_loop()
    senders = []
    for _ in range(connections):
        _, sender = await loop.create_connection(lambda: Sender(requests, latencies, statuses), "127.0.0.1", port)
        senders.append(sender)
    began = time.perf_counter()
    for sender in senders:
        sender.next()
    await asyncio.gather(*(sender.done for sender in senders))
    return {"seconds": time.perf_counter() - began, "latencies": latencies, "statuses": statuses}


async def paced(port: int, request: Head, count: int, rate: float) -> dict[str, object]:
    """At a fixed rate, whatever the answers take."""
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    requests = (request(number) for number in range(count))
    loop = asyncio.get_running_loop()
    senders = []
    for _ in range(16):
        _, sender = await loop.create_connection(lambda: Paced(requests, latencies, statuses), "127.0.0.1", port)
        senders.append(sender)
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        next((sender for sender in senders if not sender.busy), senders[number % 16]).send()
    await asyncio.sleep(1)
    return {"seconds": loop.time() - began, "latencies": latencies, "statuses": statuses}


async def main(port: int, key: str, type: str, run: str, count: int, how: str) -> None:
    """``how``: ``flat:CONNECTIONS`` or ``rate:PER_SECOND``."""
    request = cloudevent(port, key, type, run)
    kind, _, number = how.partition(":")
    told = await (
        flat_out(port, request, count, int(number)) if kind == "flat" else paced(port, request, count, float(number))
    )
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    port, key, type, run, count, how = sys.argv[1:7]
    uvloop.run(main(int(port), key, type, run, int(count), how))
