"""Pages in a browser without a window, through Playwright: what the tests of pages look with.

Any browser of Chromium's family does; tools/browser.py finds it.
"""

import os
import tempfile

import browser as machine
from needs import missing
from playwright.sync_api import sync_playwright

SECONDS = 60  # for one thing that a page is asked to do
OPTIONS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb")


class Browser:
    """``with Browser() as browser:`` starts a browser with an empty profile, and ends it."""

    def __enter__(self):
        found = machine.find()
        if found is None:
            missing("a browser", machine.REMEDY)
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.playwright = sync_playwright().start()
        try:
            self.process = self.playwright.chromium.launch(
                executable_path=found.program,
                args=[*OPTIONS, *found.options],
                env=os.environ | {"HOME": self.home.name} | found.environment,
                timeout=1000 * SECONDS,
            )
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "process"):
            self.process.close()
        self.playwright.stop()
        self.home.cleanup()

    def open(self, address, width=1280, height=720, dark=False):
        return Page(self.process, address, width, height, dark)


class Page:
    """An address, loaded. ``with`` closes it at the end, its storage with it."""

    def __init__(self, process, address, width, height, dark):
        self.context = process.new_context(
            viewport={"width": width, "height": height},
            is_mobile=width < 600,
            has_touch=width < 600,
            color_scheme="dark" if dark else "light",
        )
        self.context.set_default_timeout(1000 * SECONDS)
        self.page = self.context.new_page()
        self.address, self.asked, self.red = address, [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.red.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.red.append(message.text))
        self.page.on("requestfailed", self._failed)
        self.devtools = self.context.new_cdp_session(self.page)
        self.page.goto(address, wait_until="load")

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # such as a frame that is taken away
            self.red.append(f"{request.url[:200]}: {request.failure}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for. Raises ``RuntimeError`` with its error."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{self.address}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def send(self, method, **params):
        """One order in the words of Chromium's DevTools, for what Playwright has no word for."""
        return self.devtools.send(method, params)

    def key(self, key, _code=0):
        self.page.keyboard.press("Space" if key == " " else key)

    def screenshot(self, path, whole=False):
        self.page.screenshot(path=path, full_page=whole)

    def requests(self):
        return self.asked

    def errors(self):
        """Everything that the console shows in red, and every file that did not come."""
        return self.red
