"""Find a browser of Chromium's family to look at pages with: one that is here, or, on Linux, one that set-up fetched.

    python tools/browser.py         says which one; fetches it first where there is none

The fetched one is npm's @sparticuz/chromium: made for machines without a screen and without root, with the libraries
and fonts that it needs. Everywhere else, what is missing has to be installed by hand.
"""

import os
import platform
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from vendor import PACKAGES, VENDOR, vendor

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
PACKAGE = "@sparticuz/chromium"
FETCHED = VENDOR / f"chromium-{PACKAGES[PACKAGE][0]}"  # unpacked
SAFELY = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.3 and before have none
REMEDY = "install Chrome or Chromium (on Debian and Ubuntu: sudo apt install chromium)"


@dataclass(frozen=True)
class Browser:
    """A program, the variables that it needs, and options that it needs besides the usual ones."""

    program: str
    environment: dict = field(default_factory=dict)
    options: tuple = ()


def find():
    """The :class:`Browser` of this machine, or None."""
    for name in NAMES:
        if program := shutil.which(name):
            return Browser(program)
    if (FETCHED / "ready").is_file():
        folders = f"{FETCHED / 'lib'}{os.pathsep}{FETCHED}"
        return Browser(
            str(FETCHED / "chromium"),
            {
                "LD_LIBRARY_PATH": folders,
                "FONTCONFIG_PATH": str(FETCHED),
                "FONTCONFIG_FILE": str(FETCHED / "fonts.conf"),
            },
            ("--headless=shell", "--use-angle=swiftshader"),
        )
    return None


def can_fetch():
    return sys.platform == "linux" and platform.machine() == "x86_64"


def fetch():
    """Unpack the fetched browser into build/vendor/, once. Whatever fails ends with a line that says so."""
    if (FETCHED / "ready").is_file():
        return
    import brotli  # a requirement of the tests: not needed where a browser is here

    packed = vendor(PACKAGE) / "bin"
    FETCHED.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=FETCHED.parent, prefix="chromium-"))
    try:
        (unfinished / "chromium").write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
        (unfinished / "chromium").chmod(0o755)
        for name in ("al2023", "swiftshader", "fonts"):
            archive = unfinished / f"{name}.tar"
            archive.write_bytes(brotli.decompress((packed / f"{name}.tar.br").read_bytes()))
            with tarfile.open(archive) as tar:
                tar.extractall(unfinished, **SAFELY)
            archive.unlink()
        (unfinished / "fonts.conf").write_text(
            '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
            f"  <dir>{FETCHED / 'fonts'}</dir>\n  <dir>/usr/share/fonts</dir>\n"
            f"  <cachedir>{FETCHED / 'cache'}</cachedir>\n</fontconfig>\n",
            "utf-8",
        )
        (unfinished / "ready").touch()
        shutil.rmtree(FETCHED, ignore_errors=True)
        unfinished.rename(FETCHED)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(packed.parent)  # 70 MB that nobody needs any more


if __name__ == "__main__":
    if find() is None and can_fetch():
        fetch()
    found = find()
    print(found.program if found else f"There is no browser: {REMEDY}.")
    sys.exit(found is None)
