"""Signs in to a broker over a line that is open, to learn why it would not let somebody in.

Kafka's client tries again and again and in the end says only that time is up. In: a connected socket. Out: nothing,
or why it went wrong. State: none. The messages are Kafka's: SaslHandshake (key 17) and SaslAuthenticate (key 36).
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from kafka.net.sasl.scram import ScramClient

_HANDSHAKE: Final = 17
_AUTHENTICATE: Final = 36
_UNSUPPORTED_MECHANISM: Final = 33
_FAILED: Final = 58
_LARGEST: Final = 64 * 1024


class MechanismRefusedError(Exception):
    """The broker lets nobody in by this mechanism."""


class SignInRefusedError(Exception):
    """The broker does not let this user in with this password."""


def sign_in(line: socket.socket, user: str, password: str, mechanism: str) -> None:
    """Sign in by SCRAM; other mechanisms are not tried.

    Raises:
        MechanismRefusedError: the broker does not know the mechanism.
        SignInRefusedError: user or password are wrong.
        OSError: the line broke or is too slow.
    """
    if mechanism not in ScramClient.MECHANISMS:
        return
    name = mechanism.encode()
    answer = _ask(line, _HANDSHAKE, 1, struct.pack(">h", len(name)) + name)
    if _code(answer) == _UNSUPPORTED_MECHANISM:
        raise MechanismRefusedError
    client = ScramClient(user, password, mechanism)
    try:
        client.process_server_first_message(_authenticate(line, client.first_message()))
        client.process_server_final_message(_authenticate(line, client.final_message()))
    except (ValueError, LookupError) as error:
        raise OSError(f"the broker does not prove that it knows the password ({error})") from None


def _authenticate(line: socket.socket, token: bytes) -> bytes:
    answer = _ask(line, _AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
    if _code(answer) == _FAILED:
        raise SignInRefusedError
    if _code(answer):
        raise OSError(f"signing in ended with Kafka's error {_code(answer)}")
    message = max(0, int(struct.unpack_from(">h", answer, 2)[0]))
    (length,) = struct.unpack_from(">i", answer, 4 + message)
    return answer[8 + message : 8 + message + length]


def _code(answer: bytes) -> int:
    return int(struct.unpack_from(">h", answer)[0])


def _ask(line: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """The body of the answer to a request: behind its length and number."""
    request = struct.pack(">hhih", key, version, key, -1) + body
    line.sendall(struct.pack(">i", len(request)) + request)
    (length,) = struct.unpack(">i", read_exactly(line, 4))
    if not 6 <= length <= _LARGEST:
        raise OSError("the answer is none of Kafka's")
    return read_exactly(line, length)[4:]


def read_exactly(line: socket.socket, length: int) -> bytes:
    """So many bytes.

    Raises:
        OSError: the other side closes the line before, or is too slow.
    """
    read = bytearray()
    while len(read) < length:
        more = line.recv(length - len(read))
        if not more:
            raise ConnectionResetError("the broker closed the line")
        read += more
    return bytes(read)
