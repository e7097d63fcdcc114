"""Commands that run to their end, and processes beside the checks. Nothing here sleeps: what is waited for is an
output, an end of stream or an exit, each within LIMIT."""
import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import threading
import time

from peer_checks.report import expect

LIMIT = 30  # seconds, for each thing that is waited for
# Nothing that whoever runs this has set may change what the peers do.
LEFT_OUT = ("SSL", "OPENSSL_", "CURL_", "GNUTLS_", "GODEBUG", "NODE_", "JAVA_", "JDK_")
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and not name.startswith(LEFT_OUT)
} | {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "RUST_LOG": "polytls=info"}


@dataclasses.dataclass
class Done:
    """A command that has ended."""

    code: int
    output: bytes
    error: str

    @property
    def text(self):
        return self.output.decode(errors="replace") + self.error

    def __str__(self):
        return f"exit code {self.code}, standard error {self.error!r}, standard output {self.output[-800:]!r}"


def run(*command, data=b"", limit=LIMIT, environment=None, cwd=None):
    done = subprocess.run(
        list(map(str, command)), input=data, capture_output=True, timeout=limit, check=False, cwd=cwd,
        env=ENVIRONMENT | (environment or {}),
    )
    return Done(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def first_line(*command):
    """What a command says of itself."""
    done = run(*command)
    expect(done.code == 0 and done.text.strip(), done)
    return done.text.strip().splitlines()[0]


@dataclasses.dataclass
class Running:
    """A process beside the checks. What it says, on both outputs, is kept and can be waited for."""

    process: subprocess.Popen
    said: bytearray = dataclasses.field(default_factory=bytearray)
    ended: bool = False
    news: threading.Condition = dataclasses.field(default_factory=threading.Condition)

    @classmethod
    @contextlib.contextmanager
    def start(cls, *command, cwd=None):
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=ENVIRONMENT, cwd=cwd, start_new_session=True,
        )
        running = cls(process)
        listener = threading.Thread(target=running.listen, daemon=True)
        try:
            listener.start()
            yield running
        finally:
            # The session of its own is a group of its own: with a wrapper goes what it wraps.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(LIMIT)
            listener.join(LIMIT)
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def listen(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            with self.news:
                self.said += chunk
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def mark(self):
        with self.news:
            return len(self.said)

    def text(self, since=0):
        with self.news:
            return self.said[since:].decode(errors="replace")

    def wait_for(self, pattern, since=0):
        """The match, as soon as what was said after the mark has one."""
        deadline = time.monotonic() + LIMIT
        with self.news:
            while not (match := re.search(pattern, self.text(since), re.MULTILINE)):
                left = deadline - time.monotonic()
                name = " ".join(map(str, self.process.args[:2]))
                expect(not self.ended and left > 0, f"{name} did not say {pattern!r} but: {self.text(since)}")
                self.news.wait(left)
            return match
