"""Jupyter's side of the checks: the notebooks in its own client and in a JupyterLab server.

check NOTEBOOK...     each is valid and has its outputs, none of them an error
execute NOTEBOOK...   nbclient runs each in its folder, then check
lab NOTEBOOK BINARY   what a user does in JupyterLab, over its web interface
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

KERNEL = "metalnb"
CELL_SECONDS = 180


def check(path):
    import nbformat

    book = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(book)
    cells = [c for c in book.cells if c.cell_type == "code" and c.source.strip()]
    outputs = [o for c in cells for o in c.outputs]
    for c in cells:
        assert c.execution_count, f"{path}: not executed: {c.source[:60]!r}"
        may_fail = "raises-exception" in c.metadata.get("tags", [])
        errors = [o for o in c.outputs if o.output_type == "error"]
        assert may_fail or not errors, f"{path}: {c.source[:60]!r} failed: {errors}"
    kinds = {kind for o in outputs for kind in o.get("data", {})}
    assert {"text/html", "image/png", "text/plain"} <= kinds, f"{path} shows only {sorted(kinds)}"
    text = "".join(o.text for o in outputs if o.output_type == "stream")
    if Path(path).name.startswith("01-"):
        found = [float(x) for x in re.findall(r"test accuracy ([0-9.]+)", text)]
        found = [x / 100 if x > 1 else x for x in found]
        assert found and min(found) > 0.96, f"{path}: test accuracies {found}"
        print(f"{path}: test accuracies {found}")
    print(f"{path}: {len(cells)} cells, {len(outputs)} outputs, {os.path.getsize(path) // 1000} kB, valid")


def execute(path):
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    for c in book.cells:
        if c.cell_type == "code":
            c.outputs, c.execution_count = [], None
    begin = time.monotonic()
    NotebookClient(book, timeout=CELL_SECONDS, kernel_name=KERNEL, resources={"metadata": {"path": str(Path(path).parent)}}).execute()
    print(f"{path}: executed by nbclient in {time.monotonic() - begin:.1f} s")
    nbformat.write(book, path)
    check(path)


class Lab:
    """A JupyterLab server and what a browser asks of it."""

    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.token = uuid.uuid4().hex
        self.log = open(Path(os.environ["TMPDIR"]) / "lab.log", "w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
             "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={folder}"],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.base = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                assert "JupyterLab" in self.ask("GET", "/lab").text
                return
            except OSError:
                assert self.process.poll() is None, Path(self.log.name).read_text()
                time.sleep(0.2)
        raise AssertionError("JupyterLab does not answer: " + Path(self.log.name).read_text())

    def ask(self, method, address, /, **body):
        import requests

        r = requests.request(method, self.base + address, headers={"Authorization": "token " + self.token}, json=body or None, timeout=60)
        r.raise_for_status()
        return r

    def connect(self, kernel):
        import websocket

        url = f"{self.base.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={self.token}"
        self.socket = websocket.create_connection(url, timeout=CELL_SECONDS)

    def execute(self, code, on_display=lambda: None):
        """Runs a cell and returns what it printed, its displays and its status."""
        ident = uuid.uuid4().hex
        header = {"msg_id": ident, "msg_type": "execute_request", "username": "ci", "session": "ci", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        self.socket.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}))
        text, shown, status, idle = "", [], None, False
        while status is None or not idle:
            m = json.loads(self.socket.recv())
            if m["parent_header"].get("msg_id") != ident:
                continue
            kind, content = m["header"]["msg_type"], m["content"]
            if kind == "stream":
                text += content["text"]
            elif kind in ("display_data", "update_display_data"):
                shown.append(content)
                on_display()
            elif kind == "execute_reply":
                status = content["status"]
            elif kind == "status":
                idle = content["execution_state"] == "idle"
        return text, shown, status

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()


def lab(path, binary):
    import nbformat

    sources = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    fit = next(i for i, s in enumerate(sources) if "t.Fit(" in s)
    server = Lab(Path(path).parent)
    try:
        assert KERNEL in server.ask("GET", "/api/kernelspecs").json()["kernelspecs"]
        assert server.ask("GET", f"/kernelspecs/{KERNEL}/logo-64x64.png").content.startswith(b"\x89PNG")
        session = server.ask("POST", "/api/sessions", path=Path(path).name, name=Path(path).name, type="notebook",
                             kernel={"name": KERNEL}).json()
        kernel = session["kernel"]["id"]
        server.connect(kernel)
        use(server, sources[:fit + 1], kernel, binary, Path(path))
        server.ask("DELETE", f"/api/sessions/{session['id']}")
    finally:
        server.close()


def use(server, cells, kernel, binary, path):
    """Trains, interrupts, restarts, and looks whether all is still there."""

    def run(code, **kw):
        text, shown, status = server.execute(code, **kw)
        assert status == "ok", f"{code[:60]!r} ended with {status}: {text}"
        return text, shown

    def steps():
        return int(run("%%\nfmt.Println(t.Steps())")[0])

    for code in cells:
        _, shown = run(code)
    final = shown[-1]
    assert {"text/html", "image/png", "text/plain"} <= set(final["data"]), list(final["data"])
    ids = {s["transient"]["display_id"] for s in shown if s.get("transient", {}).get("display_id")}
    assert len(ids) == 1, f"a Fit has {len(ids)} displays"
    print(f"trained in JupyterLab: {len(shown)} updates of one display, {steps()} steps")

    seen = []

    def interrupt():
        seen.append(time.monotonic())
        if len(seen) == 5:
            server.ask("POST", f"/api/kernels/{kernel}/interrupt")
            seen.append(time.monotonic())

    text, _ = run("%%\nt.Fit(100000)", on_display=interrupt)
    took = time.monotonic() - seen[5]
    assert "stopped at" in text, text
    before = steps()
    print(f"interrupted, {took:.2f} s later: {text.strip()}")

    server.socket.close()
    server.ask("POST", f"/api/kernels/{kernel}/restart")
    server.connect(kernel)
    for code in cells[:-1]:
        run(code)
    after = steps()
    assert after == before, f"{before} steps before the restart of the kernel, {after} behind it"
    status = subprocess.run([binary, "status"], capture_output=True, text=True, check=True).stdout
    assert f"session {path.resolve()}," in status, status
    print(f"kernel restarted: still {after} steps, in the session of {path.name}")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "lab":
        lab(*rest)
    else:
        for name in rest:
            {"check": check, "execute": execute}[what](name)
