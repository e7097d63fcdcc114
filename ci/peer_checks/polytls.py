"""What is under test: `polytls serve`, `polytls connect`, over each engine and in each version."""
import contextlib
import dataclasses
import pathlib
import random
import re
import shutil
import socket

from peer_checks.pki import Pki
from peer_checks.processes import LIMIT, Running, run
from peer_checks.report import expect

VERSIONS = ("1.2", "1.3")
OTHER_VERSION = {"1.2": "1.3", "1.3": "1.2"}
PAGE = b"a line of the page\n"
BIG = random.Random(1).randbytes(1 << 20)
REQUEST = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
# RFC 8446 §4.4.2.4 names an alert of its own. RFC 5246 §7.4.6 has the general one, but rustls sends the new one there,
# too: conformance leaves that to the library (a_client_without_the_required_certificate_is_refused).
NO_CERTIFICATE = {"1.2": ["handshake_failure", "certificate_required"], "1.3": ["certificate_required"]}


@dataclasses.dataclass(frozen=True)
class Engine:
    """A backend, and what its servers and clients offer."""

    name: str
    server_versions: tuple = VERSIONS
    asks_clients: bool = True
    reloads: bool = True
    clients_resume: bool = True


ENGINES = [
    Engine("rustls"),
    Engine("openssl"),
    # native-tls has neither TLS 1.3 nor client authentication for servers over OpenSSL, asks nobody what to present, and
    # keeps no sessions.
    Engine("native", server_versions=("1.2",), asks_clients=False, reloads=False, clients_resume=False),
    Engine("builtin"),
]


@dataclasses.dataclass(frozen=True)
class Case:
    """What is under test, and the folder for what is to be kept of it."""

    polytls: pathlib.Path
    pki: Pki
    engine: Engine
    version: str
    artifacts: pathlib.Path


@dataclasses.dataclass
class Server:
    """A command that listens: `polytls serve`, or a peer's."""

    case: Case
    running: Running
    port: int

    def tcp(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)


def serve_command(case, *options, certificate="server"):
    return [
        case.polytls, "serve", case.pki.file("public"), "--listen", "127.0.0.1:0", "--backend", case.engine.name,
        "--tls", case.version, "--cert", case.pki.file(f"{certificate}.pem"),
        "--key", case.pki.file(f"{certificate}.key"), *options,
    ]


@contextlib.contextmanager
def serving(case, *options, certificate="server"):
    """`polytls serve` on a free port."""
    with Running.start(*serve_command(case, *options, certificate=certificate)) as running:
        line = running.wait_for(rf"listening on https://127\.0\.0\.1:(\d+) \(backend {case.engine.name}\)")
        yield Server(case, running, int(line[1]))


@contextlib.contextmanager
def serving_reloaded(case):
    """`polytls serve --reload`, and what puts another certificate into its files and waits for it to be in force."""
    files = {ending: case.pki.file(f"reloaded-{case.engine.name}-{case.version}.{ending}") for ending in ("pem", "key")}

    def put(certificate):
        for ending, file in files.items():
            whole = file.with_suffix(".tmp")
            shutil.copy(case.pki.file(f"{certificate}.{ending}"), whole)
            whole.replace(file)

    put("server")
    with serving(case, "--reload", certificate=files["pem"].stem) as server:

        def renew(certificate):
            mark = server.running.mark()
            put(certificate)
            server.running.wait_for("the new certificate is in force", since=mark)

        yield server, renew


def serve_is_refused(words, *options):
    def check(case):
        done = run(*serve_command(case, *options))
        expect(done.code == 2 and words in done.error and case.engine.name in done.error, done)

    return check


def page_of(done):
    """The body of the HTTP/1.1 response that a peer received and wrote out."""
    head, _, body = done.output.partition(b"\r\n\r\n")
    expect(head.startswith(b"HTTP/1.1 200 OK"), done)
    return body


def connect_command(case, port, *options, trust="ca"):
    return [
        case.polytls, "connect", f"127.0.0.1:{port}", "--backend", case.engine.name, "--tls", case.version,
        "--roots", case.pki.file(f"{trust}.pem"), *options,
    ]


def connect(case, port, *options, data=b"", trust="ca"):
    return run(*connect_command(case, port, *options, trust=trust), data=data)


def identity(case, name="client"):
    """What `polytls connect` presents when it is asked."""
    return ["--cert", case.pki.file(f"{name}.pem"), "--key", case.pki.file(f"{name}.key")]


def expect_connected(case, done, alpn):
    """`polytls connect` ended well, and says what was negotiated."""
    expect(done.code == 0, done)
    expect(re.search(rf"TLS {case.version}\b.*\bALPN {alpn}\b", done.error), done.error)


def reconnect(case, port, *options, data):
    """`polytls connect`, twice; the data goes over the second connection, which resumes if the engine does.

    Whether it does, for what the server has to say of it.
    """
    done = connect(case, port, "--reconnect", "1", *options, data=data)
    again = "resumed" if case.engine.clients_resume else "new"
    expect(done.code == 0 and re.findall(r"; session (\w+);", done.error) == ["new", again], done)
    return done, case.engine.clients_resume


def expect_connect_refuses(done, words):
    """`polytls connect` says why (a pattern), and has received nothing."""
    expect(done.code == 1 and re.search(words, done.error) and not done.output, done)
