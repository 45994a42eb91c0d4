"""Chromium without a window, driven over the two pipes of its DevTools protocol: what the tests of pages look with."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

CANDIDATES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb --remote-debugging-pipe"
).split()


class Browser:
    """``with Browser() as browser:`` starts Chromium with an empty profile, and ends it."""

    def __enter__(self):
        program = next(filter(None, map(shutil.which, CANDIDATES)), None)
        if program is None:
            raise FileNotFoundError("The tests of pages need Chromium or Chrome: sudo apt install chromium")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        orders, self.orders = os.pipe()
        self.answers, answers = os.pipe()
        # Chromium reads orders from descriptor 3 and answers on 4; numbers above them are safe to copy from.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (orders, answers)]

        def place():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile.name}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=place,
        )
        for end in (orders, answers, *ends):
            os.close(end)
        self.buffer, self.number, self.events = b"", 0, []
        return self

    def __exit__(self, *_):
        try:
            self.send("Browser.close")
            self.process.wait(10)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(10)
        os.close(self.orders)
        os.close(self.answers)
        self.profile.cleanup()

    def send(self, method, session=None, seconds=60, **params):
        """Give one order and return its result; keep the events that come in meanwhile."""
        self.number += 1
        order = {"id": self.number, "method": method, "params": params}
        if session:
            order["sessionId"] = session
        data = json.dumps(order).encode() + b"\0"
        while data:
            data = data[os.write(self.orders, data) :]
        until = time.monotonic() + seconds
        while True:
            message = self.read(until, method)
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def read(self, until, waiting_for):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise TimeoutError(f"Chromium did not answer in time: {waiting_for}")
            data = os.read(self.answers, 1 << 20)
            if not data:
                raise OSError("Chromium has ended")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def open(self, address, width=1280, height=720, dark=False):
        return Page(self, address, width, height, dark)


class Page:
    """An address, loaded. ``with`` closes its tab at the end."""

    def __init__(self, browser, address, width, height, dark):
        self.browser, self.address = browser, address
        self.target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        if dark:
            self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.send("Page.navigate", url=address)
        self.evaluate(
            "new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.send("Target.closeTarget", targetId=self.target)

    def send(self, method, **params):
        return self.browser.send(method, self.session, **params)

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{self.address}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def key(self, key, code=0):
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def screenshot(self, path, whole=False):
        picture = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

    def events(self, method):
        return [
            event["params"]
            for event in self.browser.events
            if event.get("sessionId") == self.session and event["method"] == method
        ]

    def requests(self):
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def errors(self):
        """Everything that the console shows in red, and every file that did not come."""
        failed = {e["requestId"]: e["errorText"] for e in self.events("Network.loadingFailed") if not e.get("canceled")}
        asked = {event["requestId"]: event["request"]["url"] for event in self.events("Network.requestWillBeSent")}
        return [
            *(event["exceptionDetails"] for event in self.events("Runtime.exceptionThrown")),
            *(event["args"] for event in self.events("Runtime.consoleAPICalled") if event["type"] == "error"),
            *(event["entry"]["text"] for event in self.events("Log.entryAdded") if event["entry"]["level"] == "error"),
            *(f"{asked.get(request, request)[:200]}: {text}" for request, text in failed.items()),
        ]
