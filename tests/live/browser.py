"""A headless Chromium: the host's own, else from Debian packages in a private prefix."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from orchlab import console, paths
from orchlab.engine import apt, packages
from orchlab.errors import CommandFailed, HostUnfit

WANTED = ("chromium", "chromium-driver", "fonts-dejavu-core")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
HINT = "install Chromium and its driver yourself (Debian: chromium, chromium-driver)"
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<dir>/usr/share/fonts</dir><dir>{fonts}</dir><cachedir>{cache}</cachedir>
<alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias></fontconfig>
"""


@contextmanager
def browser() -> Iterator[Chrome]:
    """A Chromium that keeps what a page logs. Raises ``HostUnfit`` when there is none."""
    program, driver, env = _found() or _private()
    options = ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = ChromeService(executable_path=driver, env={**os.environ, **env})
    chrome = Chrome(options=options, service=service)
    try:
        yield chrome
    finally:
        chrome.quit()


def _found() -> tuple[str, str, dict[str, str]] | None:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which(DRIVER)
    return (program, driver, {}) if program and driver else None


def _private() -> tuple[str, str, dict[str, str]]:
    """Program, driver and environment of the private prefix, fetched on first use."""
    tree = paths.cache_dir() / "browser"
    if not tree.exists():
        with console.step("fetch Chromium from the distribution's packages"):
            _fetch(tree)
    libraries = {str(path.parent) for path in tree.glob("usr/lib/*-linux-gnu*/**/*.so*")}
    env = {
        "LD_LIBRARY_PATH": os.pathsep.join(sorted(libraries)),
        "FONTCONFIG_FILE": str(tree / "fonts.conf"),
    }
    return str(tree / "usr/lib/chromium/chromium"), str(tree / "usr/bin" / DRIVER), env


def _fetch(tree: Path) -> None:
    draft = tree.with_name("browser.partial")
    shutil.rmtree(draft, ignore_errors=True)
    private = apt.PrivateApt(draft / "apt", _sources(), apt.keyring("debian"))
    debs = draft / "apt/debs"
    debs.mkdir()
    try:
        private.update()
        private.download(private.needed(WANTED), debs)
    except CommandFailed as error:
        raise HostUnfit(f"the archive did not give Chromium\n{error.message}", HINT) from error
    packages.unpack(sorted(debs.glob("*.deb")), draft)
    shutil.rmtree(draft / "apt")
    fonts = FONTS.format(fonts=tree / "usr/share/fonts", cache=tree / "fonts")
    (draft / "fonts.conf").write_text(fonts, encoding="utf-8")
    draft.rename(tree)


def _sources() -> list[apt.Source]:
    host = apt.distribution()
    found = apt.debian_sources(host.codename, apt.sources()) if host.family == "debian" else []
    if not found:  # Ubuntu has Chromium as a snap only
        raise HostUnfit("no Chromium, and apt has no Debian archive to take one from", HINT)
    return found


def picture(page: Path, into: Path) -> None:
    """Save what a reader of a page sees first."""
    with browser() as chrome:
        chrome.set_window_size(1280, 1000)
        chrome.get(page.resolve().as_uri())
        chrome.save_screenshot(str(into))


if __name__ == "__main__":  # python -m tests.live.browser results/.../report.html docs/report.png
    picture(*map(Path, sys.argv[1:]))
