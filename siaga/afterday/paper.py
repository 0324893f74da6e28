"""From HTML to PDF: Chromium prints it, where there is one. A process of its own; nothing stays behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS: Final = 90


class PaperError(RuntimeError):
    """There is no PDF; the message says why and what to do."""


def find_chromium() -> str | None:
    """Where Chromium is."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def print_pdf(page: Path, pdf: Path) -> None:
    """Have Chromium print the HTML file ``page`` as ``pdf``.

    Raises:
        PaperError: there is no Chromium, or it did not print.
    """
    chromium = find_chromium()
    if chromium is None:
        raise PaperError(
            f"pdf: there is no Chromium; install chromium or google-chrome, or open {page} in a browser and print it"
        )
    with tempfile.TemporaryDirectory(prefix="siaga-") as profile:
        made = Path(profile, "made.pdf")
        # Its sandbox needs rights that root in a container has not; it only opens a file of ours without scripts.
        unsafe = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [
            *(chromium, "--headless", "--disable-gpu", "--disable-dev-shm-usage", *unsafe, "--no-first-run"),
            *(f"--user-data-dir={profile}/profile", "--no-pdf-header-footer", f"--print-to-pdf={made}"),
            page.resolve().as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
        except (OSError, subprocess.SubprocessError):
            raise PaperError(f"pdf: {chromium} did not print; open {page} in a browser and print it there") from None
        if not made.is_file():
            raise PaperError(f"pdf: {chromium} wrote nothing; open {page} in a browser and print it there")
        shutil.move(made, pdf)
