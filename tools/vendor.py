"""Fetch the JavaScript that the slides and the site carry along, so that their pages load nothing from elsewhere.

    python tools/vendor.py

Downloads fixed versions from the npm registry into build/vendor/, checks them, and unpacks the few files that are
needed. What is there already is not fetched again: after the first time no network is needed.
"""

import base64
import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "build" / "vendor"

# name -> version, the SHA-512 sum that npm publishes for it, what is taken from it
PACKAGES = {
    "reveal.js": (
        "5.2.1",  # with nbconvert 7.17, version 6 shows a blank page
        "r7//6mIM5p34hFiDMvYfXgyjXqGRta+/psd9YtytsgRlrpRzFv4RbH76TXd2qD+7ZPZEbpBDhdRhJaFgfQ7zNQ==",
        ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "LICENSE"),
    ),
    "mathjax": (
        "3.2.2",
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        ("es5/tex-svg-full.js", "LICENSE"),
    ),
    "@fontsource/stix-two-math": (  # the letters of formulas, where a machine has none
        "5.3.0",
        "negoeozw6VSXjZMozwKRSm/dhCQT62csZcuea9I8KYqPaZq/8KbbBBrA02ZHF7AyuR5mVML/p+q0bwFuSIf2GQ==",
        ("files/stix-two-math-latin-400-normal.woff", "LICENSE"),
    ),
    "@sparticuz/chromium": (  # for the tests, where a machine has no browser: tools/browser.py unpacks it
        "153.0.0",
        "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
        ("bin/chromium.br", "bin/al2023.tar.br", "bin/swiftshader.tar.br", "bin/fonts.tar.br"),
    ),
    "axe-core": (  # for the tests alone
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        ("axe.min.js", "LICENSE"),
    ),
}


def vendor(name):
    """The folder of one package, fetched if need be."""
    version, sha512, files = PACKAGES[name]
    folder = VENDOR / f"{name}-{version}"
    if all((folder / file).is_file() for file in files):
        return folder
    address = f"https://registry.npmjs.org/{name}/-/{name.split('/')[-1]}-{version}.tgz"
    print(f"Fetching {name} {version}", flush=True)
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            archive = answer.read()
    except OSError as error:
        sys.exit(f"{address} cannot be fetched ({error}). Check the network and run the same command again.")
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != sha512:
        sys.exit(f"{address} is not what it was when tools/vendor.py was written: its SHA-512 sum differs.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for file in files:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(tar.extractfile(f"package/{file}").read())
    return folder


if __name__ == "__main__":
    for name in PACKAGES:
        if name != "@sparticuz/chromium":
            print(vendor(name))
