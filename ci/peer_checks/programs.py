"""Peers that are libraries: a program in each language, all with the same options and the same checks.

`client`: connects to 127.0.0.1 `--port`, for `--name`, in `--version` alone, trusting `--roots`, offering `--alpn`,
presenting `--identity` (a path to which .pem and .key, or .p12, are added), as often as `--times` says, with one cache
of sessions. It asks for `--path`, if there is one, and writes to standard output what comes: with ALPN h2 by the
language's own HTTP/2, which leaves the body; else by itself, in HTTP/1.1, which leaves head and body.

`server`: says `port=` and accepts until it is killed. It sends back, in reverse, the first `--length` bytes; to a
client that sends less, what came. With `--roots` it insists on a certificate that leads there.

Both say on standard error what became of each connection, as `version=... cipher=... alpn=... resumed=... peer=...`
with tabs between, or `error=...`.
"""
import contextlib
import dataclasses
import pathlib
import re
import typing

from peer_checks.polytls import (
    BIG, OTHER_VERSION, PAGE, Server, connect, expect_connect_refuses, expect_connected, identity, page_of, reconnect,
)
from peer_checks.processes import Running, run
from peer_checks.report import Check, Peer, expect


@dataclasses.dataclass
class Program:
    """One language's, and how it puts what the others put differently."""

    name: str
    version: typing.Callable[[], str]
    build: typing.Callable[[pathlib.Path], list]
    # What it says of a server that it does not trust, and what that server hears of it.
    untrusted: str
    untrusted_heard: str
    wrong_name: str
    # What it says, as a client and without a certificate, of the server's alert.
    no_certificate: str
    # The alert that its server has for a client without a certificate, in each version.
    no_certificate_alert: dict
    command: list = dataclasses.field(default_factory=list)

    def prepare(self, folder):
        self.command = self.build(folder)

    def arguments(self, mode, *options):
        expect(self.command, f"{self.name} could not be made ready")
        return [*self.command, mode, *options]

    def peer(self):
        return Peer(
            name=self.name,
            version=self.version,
            prepare=self.prepare,
            server=(
                Check("page and 1 MiB, http/1.1", self.page_and_file),
                Check("page and 1 MiB, h2", self.page_and_file_over_h2),
                Check("resumes", self.resumes),
                Check("trusts another authority", self.other_authority),
                Check("wants another name", self.other_name),
                Check("speaks the other version only", self.other_version),
            ),
            rsa_server=(Check("page and 1 MiB, http/1.1", self.page_and_file),),
            required=(
                Check("a certificate", self.client_certificate),
                Check("no certificate", self.no_client_certificate),
            ),
            optional=(
                Check("a certificate", self.client_certificate),
                Check("no certificate", self.page_and_file),
            ),
            client=(
                Check("1 MiB and back", self.echo),
                Check("1 MiB and back, RSA key", self.echo_with_rsa_key),
                Check("resumes", self.resumes_for_polytls),
                Check("asks, a certificate", self.asks_with_certificate),
                Check("asks, no certificate", self.asks_without_certificate),
                Check("has expired", self.refused("expired", certificate="expired")),
                Check("has another name", self.refused("not for `example.com`", "--name", "example.com")),
                Check("is of another authority", self.refused("no trusted root", trust="other")),
                Check("speaks the other version only", self.other_version_of_server),
            ),
        )

    # polytls as server

    def client(self, server, *options, trust="ca", alpn="http/1.1", version=None):
        return run(*self.arguments(
            "client", "--port", server.port, "--version", version or server.case.version,
            "--roots", server.case.pki.file(f"{trust}.pem"), "--alpn", alpn, *options,
        ))

    def page_and_file(self, server):
        for path, content in (("/page.txt", PAGE), ("/big.bin", BIG)):
            done = self.client(server, "--path", path)
            expect_reported(server.case, done, "http/1.1")
            expect(page_of(done) == content, f"{len(done.output)} bytes came, other than those served")

    def page_and_file_over_h2(self, server):
        for path, content in (("/page.txt", PAGE), ("/big.bin", BIG)):
            done = self.client(server, "--path", path, alpn="h2")
            expect_reported(server.case, done, "h2")
            expect(done.output == content, f"{len(done.output)} bytes came, other than those served")

    def resumes(self, server):
        done = self.client(server, "--path", "/page.txt", "--times", 2)
        expect(done.code == 0 and done.output.count(PAGE) == 2, done)
        expect(re.findall("resumed=(true|false)", done.error) == ["false", "true"], done)

    def other_authority(self, server):
        mark = server.running.mark()
        done = self.client(server, "--path", "/page.txt", trust="other")
        expect(done.code == 1 and re.search(self.untrusted, done.error) and not done.output, done)
        server.running.wait_for(self.untrusted_heard, since=mark)

    def other_name(self, server):
        done = self.client(server, "--path", "/page.txt", "--name", "example.com")
        expect(done.code == 1 and re.search(self.wrong_name, done.error) and not done.output, done)

    def other_version(self, server):
        done = self.client(server, "--path", "/page.txt", version=OTHER_VERSION[server.case.version])
        expect(done.code == 1 and "error=" in done.error and not done.output, done)

    def client_certificate(self, server):
        done = self.client(server, "--path", "/page.txt", "--identity", server.case.pki.file("client"))
        expect_reported(server.case, done, "http/1.1")
        expect(page_of(done) == PAGE, done)

    def no_client_certificate(self, server):
        # No request: a reset because of one might overtake the alert.
        done = self.client(server)
        expect(done.code == 1 and re.search(self.no_certificate, done.error) and not done.output, done)

    # polytls as client

    @contextlib.contextmanager
    def server(self, case, *options, certificate="server", version=None, length=0):
        """The program on a free port."""
        command = self.arguments(
            "server", "--version", version or case.version, "--alpn", "echo",
            "--identity", case.pki.file(certificate), "--length", length, *options,
        )
        with Running.start(*command) as running:
            yield Server(case, running, int(running.wait_for(r"^port=(\d+)$")[1]))

    def echo(self, case, certificate="server"):
        with self.server(case, certificate=certificate, length=len(BIG)) as server:
            done = connect(case, server.port, "--alpn", "other,echo", data=BIG)
            server.running.wait_for(rf"version=TLS ?v?{case.version}\tcipher=.*\talpn=echo\tresumed=false\tpeer=$")
        expect_connected(case, done, "echo")
        expect(done.output == BIG[::-1], f"{len(done.output)} bytes of {len(BIG)} came, {done.error}")

    def echo_with_rsa_key(self, case):
        self.echo(case, certificate="rsa")

    def resumes_for_polytls(self, case):
        with self.server(case, length=5) as server:
            done, resumed = reconnect(case, server.port, "--alpn", "echo", data=b"hello")
            expect(done.output == b"olleh", done)
            server.running.wait_for(rf"(?s)resumed=false.*\nversion=[^\n]*resumed={str(resumed).lower()}")

    def asks_with_certificate(self, case):
        with self.server(case, "--roots", case.pki.file("ca.pem"), length=5) as server:
            done = connect(case, server.port, *identity(case), data=b"hello")
            expect(done.code == 0 and done.output == b"olleh", done)
            server.running.wait_for("peer=peers client$")

    def asks_without_certificate(self, case):
        with self.server(case, "--roots", case.pki.file("ca.pem")) as server:
            expect_connect_refuses(connect(case, server.port), self.no_certificate_alert[case.version])
            server.running.wait_for("^error=")

    def refused(self, words, *options, certificate="server", trust="ca"):
        """polytls refuses the server, tells its user why, and the server hears of it."""

        def check(case):
            with self.server(case, certificate=certificate) as server:
                expect_connect_refuses(connect(case, server.port, *options, trust=trust, data=b"a secret\n"), words)
                server.running.wait_for("^error=")

        return check

    def other_version_of_server(self, case):
        with self.server(case, version=OTHER_VERSION[case.version]) as server:
            expect_connect_refuses(connect(case, server.port), "protocol_version")


def expect_reported(case, done, alpn):
    """The program ended well, and says what was negotiated."""
    pattern = rf"^version=TLS ?v?{case.version}\tcipher=TLS_\S+\talpn={alpn}\tresumed=false\tpeer=peers (server|rsa)$"
    expect(done.code == 0 and re.search(pattern, done.error, re.MULTILINE), done)
