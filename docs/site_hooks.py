"""What the documentation's site is told while it is built.

Input: ``docs/README.md`` (the index that people read in the repository too) and the pages. Output: the navigation,
links that work without the repository beside them, and the version of the product. State: none.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_FENCED: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?<!!)\[((?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)")
_SECTION: Final = re.compile(r"^## .*?: (.+)$", re.MULTILINE)
#: Pages of which another page is the index: that page, and the section its pages stand under.
_SUBSECTIONS: Final = {"reference/alerts.md": ("Reference", "Runbooks"), "decisions/README.md": ("Explanation", "")}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the navigation of the index, and say which version the pages are of."""
    root = Path(config.config_file_path).parent
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    config.copyright = f"Siaga {version} · Apache License 2.0"
    config.nav = navigation(Path(config.docs_dir))
    return config


def navigation(docs: Path) -> list[Any]:
    """The index's headings as sections and its links as pages, in its order; every page once."""
    _, *parts = _SECTION.split((docs / "README.md").read_text(encoding="utf-8"))
    told: set[str] = set()
    nav: list[Any] = [{"Documentation": "README.md"}]
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        section = heading.capitalize()
        pages = _pages(text, "", told)
        for index, (under, name) in _SUBSECTIONS.items():
            if under != section or not (docs / index).exists():
                continue
            inner = _pages((docs / index).read_text(encoding="utf-8"), posixpath.dirname(index), told)
            if name:
                pages.append({name: inner})
            else:
                at = next(n for n, page in enumerate(pages) if index in page.values())
                (title,) = pages[at]
                pages[at] = {title: [index, *inner]}
        nav.append({section: pages})
    return nav


def _pages(text: str, folder: str, told: set[str]) -> list[Any]:
    """The pages that ``text`` (of a page in ``folder``) links to and that were not ``told`` of yet, with titles."""
    pages: list[Any] = []
    for title, target in _LINK.findall(_FENCED.sub("", text)):
        path = posixpath.normpath(posixpath.join(folder, target.partition("#")[0]))
        if path.endswith(".md") and ":" not in target and not path.startswith("..") and path not in told:
            told.add(path)
            pages.append({_plain(title): path})
    return pages


def _plain(title: str) -> str:
    return " ".join(title.replace("`", "").split())


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Name what is only in the repository (the README, directories) instead of linking to it."""
    folder = posixpath.dirname(page.file.src_uri)

    def written(found: re.Match[str]) -> str:
        text, target = found.groups()
        if "://" in target or target.startswith(("#", "mailto:")):
            return found[0]
        path = posixpath.normpath(posixpath.join("docs", folder, target.partition("#")[0]))
        if path.startswith("docs/") and files.get_file_from_path(path.removeprefix("docs/")) is not None:
            return found[0]
        # What is nowhere stays a link, so that the build fails on it.
        if not (Path(config.config_file_path).parent / path).exists():
            return found[0]
        return text if path in text else f"{text} (`{path}` in the repository)"

    parts = _FENCED.split(markdown)
    return "".join(part if n % 2 else _LINK.sub(written, part) for n, part in enumerate(parts))
