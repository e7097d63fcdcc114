"""Headless Chromium, which loads a page from `polytls serve`, and whose screenshots are kept.

It presents no certificate: which one could only be chosen by hand, or by a policy for the whole machine.
"""
import contextlib
import hashlib
import html
import json
import pathlib
import re
import struct
import tempfile
import zlib

from peer_checks.polytls import BIG
from peer_checks.processes import LIMIT, Done, first_line, run
from peer_checks.report import Check, Peer, expect

PAGE = pathlib.Path(__file__).parent / "chromium" / "page.html"
SIZE = (900, 600)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    f"--window-size={SIZE[0]},{SIZE[1]}",
    # Virtual time stands still while the page waits for the network: it ends when everything has come.
    "--virtual-time-budget=5000",
]


def page_over_h2(server):
    case = server.case
    picture = case.artifacts / f"chromium-{case.engine.name}-{case.version}.png"
    picture.unlink(missing_ok=True)
    with chromium(server, f"--screenshot={picture}") as visit:
        expect_page(server, visit, "h2")
        connected = visit.handshakes()
    negotiated = [(one["version"], one["next_proto"]) for one in connected]
    expect(negotiated and set(negotiated) == {(f"TLS {case.version}", "h2")}, negotiated)
    expect_picture(picture)
    print(f"    screenshot: {picture}, {picture.stat().st_size} bytes", flush=True)


def resumes(server):
    """Over HTTP/1.1, where further connections are needed: some of them resume the session of the first."""
    with chromium(server, "--disable-http2") as visit:
        expect_page(server, visit, "http/1.1")
        resumed = [one["is_resumed"] for one in visit.handshakes()]
    expect(resumed and not resumed[0] and True in resumed, f"resumed: {resumed}")


def refuses(error, **settings):
    """Chromium shows a page of its own instead."""

    def check(server):
        with chromium(server, **settings) as visit:
            expect(error in visit.done.text and "served by polytls" not in visit.done.text, visit.done)

    return check


def no_client_certificate(server):
    mark = server.running.mark()
    # For Chromium the handshake is complete before the server's verdict is there (RFC 8446 §2, RFC 7918): it may find
    # the connection closed before it reads the alert.
    with chromium(server) as visit:
        expect(re.search("ERR_BAD_SSL_CLIENT_AUTH_CERT|ERR_SOCKET_NOT_CONNECTED", visit.done.text), visit.done)
        expect("served by polytls" not in visit.done.text, visit.done)
    server.running.wait_for("presented no certificate", since=mark)


def expect_page(server, visit, protocol):
    expect(visit.done.code == 0 and "<title>served by polytls</title>" in visit.done.text, visit.done)
    shown = dict(re.findall(r'<td id="(\w+)">(.*?)</td>', visit.done.text))
    expect(
        shown == {
            "backend": server.case.engine.name,
            "version": f"TLS {server.case.version}",
            "protocol": protocol,
            "secure": "true",
            "length": str(len(BIG)),
            "digest": hashlib.sha256(BIG).hexdigest(),
        },
        shown,
    )


class Visit:
    """What Chromium made of a page: its DOM, and the log of its network."""

    def __init__(self, done: Done, log: pathlib.Path):
        self.done, self.log = done, log

    def handshakes(self):
        """The TLS handshakes that were completed, in order."""
        log = json.loads(self.log.read_text())
        kind = log["constants"]["logEventTypes"]["SSL_CONNECT"]
        events = [event.get("params", {}) for event in log["events"] if event["type"] == kind]
        return [parameters for parameters in events if "next_proto" in parameters]


@contextlib.contextmanager
def chromium(server, *options, trust="ca", host="localhost"):
    """A browser with a profile of its own, that trusts one authority more than it came with."""
    case = server.case
    url = f"https://{host}:{server.port}/page.html?backend={case.engine.name}&version={case.version}"
    with tempfile.TemporaryDirectory(dir=case.pki.folder, ignore_cleanup_errors=True) as home:
        database = pathlib.Path(home, ".pki/nssdb")
        database.mkdir(parents=True)
        certutil(database, "-N", "--empty-password")
        certutil(database, "-A", "-n", "authority", "-t", "C,,", "-i", case.pki.file(f"{trust}.pem"))
        log = pathlib.Path(home, "network.json")
        done = run(
            "chromium", *FLAGS, f"--user-data-dir={home}/profile", "--dump-dom", f"--log-net-log={log}",
            f"--host-resolver-rules=MAP {host} 127.0.0.1", *options, url,
            environment={"HOME": home}, limit=3 * LIMIT,
        )
        # What it shows is the page; what it says beside it is for whoever looks for a reason.
        done.output = html.unescape(done.output.decode(errors="replace")).encode()
        yield Visit(done, log)


def certutil(database, *arguments):
    done = run("certutil", "-d", f"sql:{database}", *arguments)
    expect(done.code == 0, done)


def expect_picture(picture):
    """A PNG of the right size in which there is something to see."""
    data = picture.read_bytes()
    expect(data.startswith(b"\x89PNG\r\n\x1a\n"), f"no PNG: {data[:16]!r}")
    chunks = dict.fromkeys([b"IHDR", b"IDAT"], b"")
    offset = 8
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        chunks[kind] = chunks.get(kind, b"") + data[offset + 8 : offset + 8 + length]
        offset += 12 + length
    width, height, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    expect((width, height) == SIZE and depth == 8 and colour in (2, 6), f"{width} x {height}, {depth} bit, {colour}")
    pixels = zlib.decompress(chunks[b"IDAT"])
    line = len(pixels) // height
    # As they are filtered, the lines of a blank picture are alike, and those of text are not.
    different = len({pixels[start : start + line] for start in range(0, len(pixels), line)})
    expect(different > 100, f"only {different} of {height} lines differ")


def prepare(folder):
    (folder / "public" / "page.html").write_bytes(PAGE.read_bytes())


PEER = Peer(
    name="Chromium",
    version=lambda: first_line("chromium", "--version"),
    prepare=prepare,
    server=(
        Check("page and 1 MiB, h2, screenshot", page_over_h2),
        Check("resumes", resumes),
        Check("trusts another authority", refuses("ERR_CERT_AUTHORITY_INVALID", trust="other")),
        Check("wants another name", refuses("ERR_CERT_COMMON_NAME_INVALID", host="example.test")),
    ),
    required=(Check("no certificate", no_client_certificate),),
)
