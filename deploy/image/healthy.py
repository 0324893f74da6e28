#!/opt/siaga/venv/bin/python -IS
"""Whether a process of Siaga is well: ends with 0 where URL answers 200 within three seconds, else with 1.

healthy URL [CA_FILE]
"""

import ssl
import sys
import urllib.error
import urllib.request


def main(words: list[str]) -> int:
    """Ask once; what is wrong goes to standard error in a line."""
    if not words or not words[0].startswith(("http://", "https://")):
        sys.stderr.write("healthy URL [CA_FILE]\n")
        return 2
    try:
        trusted = ssl.create_default_context(cafile=words[1] if len(words) > 1 else None)
        with urllib.request.urlopen(words[0], timeout=3, context=trusted) as answer:  # noqa: S310 - the operator's own words
            return 0 if answer.status == 200 else 1
    except (OSError, urllib.error.URLError) as error:
        sys.stderr.write(f"{words[0]}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
