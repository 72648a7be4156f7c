"""Real gateways and emulated vendors, as processes on the loopback."""

import json
import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCIMGATE = ROOT / os.environ.get("SCIMGATE", "target/debug/scimgate")
ANY_CERTIFICATE = ssl._create_unverified_context()


def until(condition, seconds=30, what="it"):
    """The first truth that `condition` tells; fails when it takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)
    return found


def send(url, token=None, method="GET", body=None):
    """Status and text of an answer; 0 where there is none."""
    request = urllib.request.Request(url, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", "application/scim+json")
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=60, context=ANY_CERTIFICATE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (urllib.error.URLError, OSError):
        return 0, ""


class Process:
    """A process whose output goes to a file; ended with `stop`."""

    def __init__(self, command, output: Path, **options):
        self.output = output
        with output.open("w") as file:
            self.child = subprocess.Popen(
                [str(part) for part in command], stdout=file, stderr=subprocess.STDOUT, **options
            )

    def told(self, pattern):
        """The first group of `pattern` once the output has it."""

        def look():
            text = self.output.read_text()
            assert self.child.poll() is None, text
            return re.search(pattern, text)

        return until(look, what=pattern)[1]

    def stop(self):
        self.child.terminate()
        self.child.wait(timeout=90)


class Vendor(Process):
    """An emulated backend; `tenant` is the file of a tenant there."""

    def __init__(self, directory: Path, faults=()):
        directory.mkdir(parents=True)
        command = [SCIMGATE, "demo", "--vendor", "reference", "--vendor-only"]
        super().__init__(command, directory / "vendor.out")
        control = self.told(r"asked: (http\S+)/state")
        self.told("(Ctrl-C)")
        self.tenant = self.output.read_text()
        status, answer = send(f"{control}/faults", method="POST", body=list(faults))
        assert status < 300, answer


class Gateway:
    """A gateway in a directory of its own, with the reference adapter."""

    def __init__(self, home: Path, settings: str = "", **environment):
        self.home = home
        for part in ["adapters", "scripts", "tenants"]:
            (home / part).mkdir(parents=True)
        for part in ["adapters/reference.toml", "scripts/reference.rhai"]:
            shutil.copy(ROOT / part, home / part)
        (home / "scimgate.toml").write_text(settings)
        ports = ["SERVER", "OPS", "ADMIN"]
        self.environment = {f"SCIMGATE_{port}__LISTEN": "127.0.0.1:0" for port in ports} | environment
        self.process = None

    def run(self, *arguments):
        done = subprocess.run(
            self.command(*arguments), cwd=self.home, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, *arguments):
        return [str(SCIMGATE), "-c", "scimgate.toml", *arguments]

    def tenant(self, name, text):
        """A tenant with a token."""
        (self.home / "tenants" / f"{name}.toml").write_text(text)
        return self.run("token", "mint", "--tenant", name).split("Secret Token:")[1].split()[0]

    def start(self):
        output = self.home / "serve.out"
        self.process = Process(self.command("serve"), output, cwd=self.home, env=self.environment)
        self.url = self.process.told(r"listening on (\S+)")
        self.ops = self.process.told(r"metrics: http://([^/]+)/")

    def stop(self):
        if self.process:
            self.process.stop()
