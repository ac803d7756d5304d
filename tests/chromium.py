"""A page in headless Chromium, over its debugging pipe: what it loads, says and measures."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
]
# The browser reads from descriptor 3 and writes to 4.
LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 13); os.dup2(int(sys.argv[2]), 14); "
    "os.dup2(13, 3); os.dup2(14, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
SECONDS = 60


class Chromium:
    """One browser with one page; a context manager.

    `events` holds what the page did, as (method, params) of Chromium's protocol.
    """

    def __enter__(self):
        self.profile = tempfile.mkdtemp()
        (read, self.write), (self.read, write) = os.pipe(), os.pipe()
        command = [sys.executable, "-c", LAUNCH, str(read), str(write), BROWSER, *FLAGS]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command.append(f"--user-data-dir={self.profile}")
        self.process = subprocess.Popen(command, pass_fds=(read, write), **quiet)
        os.close(read), os.close(write)
        self.events, self.buffer, self.last, self.session = [], b"", 0, {}
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *error):
        self.session = {}
        self.ask("Browser.close")
        self.process.wait(SECONDS)
        os.close(self.read), os.close(self.write)
        shutil.rmtree(self.profile, ignore_errors=True)

    def ask(self, method, **params):
        """Send a command and wait for its answer."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params, **self.session}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.last:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, url, width, height=800):
        """Open a page as wide as asked, and wait until it is loaded and at rest."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.ask("Emulation.setDeviceMetricsOverride", mobile=width < 600, **screen)
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while "Page.loadEventFired" not in [method for method, _ in self.events]:
            self._receive()
        time.sleep(0.2)  # for what a page would do after it is loaded

    def evaluate(self, expression):
        """Value of an expression of JavaScript."""
        return self.ask("Runtime.evaluate", expression=expression)["result"]["value"]

    def of(self, *methods):
        """What the events of these kinds say."""
        return [params for method, params in self.events if method in methods]

    def _receive(self):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], SECONDS)
            part = os.read(self.read, 1 << 16) if ready else b""
            assert part, "the browser ended, or does not answer"
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        answer = json.loads(message)
        if "method" in answer:
            self.events.append((answer["method"], answer["params"]))
        return answer
