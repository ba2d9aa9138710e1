"""A real Chromium, driven over its debugging protocol on loopback."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp


class Browser:
    """One page of a headless Chromium; `downloads` is where it saves files, `faults` what its console complained of."""

    def __init__(self, downloads: Path) -> None:
        self.downloads = downloads
        self.faults: list[str] = []
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Browser:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--remote-debugging-port=0", f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port = await self._port(Path(self._profile.name) / "DevToolsActivePort")
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as response:
            target = next(each for each in await response.json() if each["type"] == "page")
        self._socket = await self._session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._session.close()
        self._process.terminate()
        self._process.wait(30)
        self._profile.cleanup()

    async def _port(self, file: Path) -> int:
        for _ in range(600):
            if file.exists() and (lines := file.read_text().split()):
                return int(lines[0])
            await asyncio.sleep(0.1)
        raise RuntimeError("the browser did not start")

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            said = json.loads((await self._socket.receive(timeout=60)).data)
            if said.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.faults.append(json.dumps(said["params"])[:500])
            if said.get("id") == number:
                result: dict[str, Any] = said.get("result", {})
                return result

    async def open(self, path: Path) -> None:
        """Open a file and wait until it is there."""
        await self.call("Page.navigate", url=path.as_uri())
        for _ in range(600):
            if await self.value("document.readyState === 'complete' && location.protocol === 'file:'"):
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the page did not load")

    async def value(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found.get("result", {}).get("value")

    async def press(self, key: str) -> None:
        """Press one key."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"windowsVirtualKeyCode": 13} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def saved(self) -> Path:
        """The file that was downloaded, once it is whole."""
        for _ in range(600):
            found = [each for each in self.downloads.iterdir() if each.suffix == ".json"]
            if found:
                return found[0]
            await asyncio.sleep(0.05)
        raise RuntimeError("nothing was saved")
