"""The documentation's site as it is built: whatever it names is there, and nothing is fetched from another host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import lxml.html

ROOT = Path(__file__).parents[2]


def test_every_link_anchor_and_picture_of_the_site_is_there(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    pages = {path: lxml.html.parse(str(path)).getroot() for path in site.rglob("*.html")}
    anchors = {path: set(page.xpath("//@id | //a/@name")) for path, page in pages.items()}
    broken, outside, linked = [], [], set()
    for path, page in pages.items():
        fetched = page.xpath("//link[not(@rel='canonical')]/@href | //script/@src | //img/@src")
        outside += [f"{path.name}: {name}" for name in fetched if "//" in name and not name.startswith("data:")]
        for target in [*fetched, *page.xpath("//a/@href")]:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            found = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = found / "index.html" if found.is_dir() else found
            linked.add(found)
            if not found.exists() or (parts.fragment and unquote(parts.fragment) not in anchors.get(found, set())):
                broken.append(f"{path.relative_to(site)}: {target}")

    assert len(pages) > 50
    assert (broken, outside) == ([], [])
    assert set(pages) - linked == {site / "404.html"}
