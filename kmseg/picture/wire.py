"""Messages between the server and a worker: JSON objects, each preceded by its size, and bytes.

What is received is not trusted: sizes are bounded, types are checked, and no call outlasts its
deadline, which is a time of ``time.monotonic()``.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any, Final

SIZE: Final = struct.Struct("=Q")
_MAX_OBJECT_BYTES: Final = 4096  # error messages have up to 300 characters


class ProtocolError(Exception):
    """The other end sent something that the protocol does not allow."""


def send_object(connection: socket.socket, values: Mapping[str, object]) -> None:
    """Send a JSON object."""
    text = json.dumps(values).encode()
    connection.sendall(SIZE.pack(len(text)) + text)


def receive_object(
    connection: socket.socket, deadline: float, *allowed: Mapping[str, type]
) -> dict[str, Any]:
    """Receive a JSON object that has exactly the names and types of one of those `allowed`.

    Raises
    ------
    ProtocolError
        It is too large, no JSON, or of other names or types.
    OSError, EOFError
        As :func:`receive_into`.
    """
    (size,) = SIZE.unpack(receive(connection, SIZE.size, deadline))
    if size > _MAX_OBJECT_BYTES:
        raise ProtocolError(f"an object of {size} bytes")
    try:
        values = json.loads(receive(connection, size, deadline))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("no JSON") from error
    if not isinstance(values, dict):
        raise ProtocolError("no object")
    if {name: type(value) for name, value in values.items()} not in allowed:
        raise ProtocolError("an object of other names or types")
    return values


def send(connection: socket.socket, content: bytes, deadline: float) -> None:
    """Send bytes, within the deadline; raises ``OSError``."""
    connection.settimeout(_remaining(deadline))  # sendall takes no longer in total
    connection.sendall(content)


def receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    """Receive ``size`` bytes; raises as :func:`receive_into` does."""
    buffer = bytearray(size)
    receive_into(memoryview(buffer), connection, deadline)
    return bytes(buffer)


def receive_into(buffer: memoryview, connection: socket.socket, deadline: float) -> None:
    """Receive as many bytes as fit.

    Raises
    ------
    TimeoutError
        They did not come before the deadline.
    EOFError
        The connection was closed before.
    OSError
        The connection is broken.
    """
    while len(buffer):
        connection.settimeout(_remaining(deadline))
        received = connection.recv_into(buffer)
        if not received:
            raise EOFError
        buffer = buffer[received:]


def receive_end(connection: socket.socket, deadline: float) -> None:
    """Wait until the other end closes the connection; raises ``ProtocolError`` if more comes."""
    connection.settimeout(_remaining(deadline))
    if connection.recv(1):
        raise ProtocolError("bytes after the end")


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
