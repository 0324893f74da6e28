#!/opt/siaga/venv/bin/python -IS
"""Whether a process of Siaga is well: ends with 0 where URL answers 200 within three seconds, else with 1.

healthy URL [CA_FILE]

It runs every few seconds in each container, so that it asks by a socket: what speaks HTTP takes four times as long to
load as the question takes.
"""

import socket
import sys

_PATIENCE = 3.0


def main(words: list[str]) -> int:
    """Ask once; what is wrong goes to standard error in a line."""
    scheme, _, rest = (words[0] if words else "").partition("://")
    if scheme not in ("http", "https"):
        sys.stderr.write("healthy URL [CA_FILE]\n")
        return 2
    address, _, path = rest.partition("/")
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port or (443 if scheme == "https" else 80))), _PATIENCE) as line:
            status = _asked(_secured(line, host, words[1:]) if scheme == "https" else line, address, path)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{words[0]}: {error}\n")
        return 1
    if status != "200":
        sys.stderr.write(f"{words[0]}: answers {status}\n")
        return 1
    return 0


def _secured(line: socket.socket, host: str, authorities: list[str]) -> socket.socket:
    import ssl

    trusted = ssl.create_default_context(cafile=authorities[0] if authorities else None)
    return trusted.wrap_socket(line, server_hostname=host)


def _asked(line: socket.socket, address: str, path: str) -> str:
    """The status that is answered."""
    line.sendall(f"GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
    with line.makefile("rb") as answer:
        words = answer.readline(1000).decode("latin-1").split()
    return words[1] if len(words) > 1 and words[0].startswith("HTTP/1") else "nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
