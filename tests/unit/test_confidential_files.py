"""What Siaga writes is for the account that runs it alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path


def test_others_on_the_machine_can_read_nothing_that_is_stored(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "siaga", "db", "upgrade"], cwd=tmp_path, umask=0o022, check=True)

    written = [Path(folder, name) for folder, folders, files in os.walk(tmp_path) for name in (*folders, *files)]
    assert "siaga.db" in {path.name for path in written}
    assert [path.name for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
