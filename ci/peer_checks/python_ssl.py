"""Python's ssl, and clients that speak no TLS at all."""
import contextlib
import dataclasses
import queue
import random
import socket
import ssl
import sys
import threading

from peer_checks.polytls import (
    BIG, NO_CERTIFICATE, PAGE, REQUEST, connect, expect_connect_refuses, expect_connected, identity, reconnect,
)
from peer_checks.processes import LIMIT
from peer_checks.report import Check, Failed, Peer, expect

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
GARBAGE = random.Random(2).randbytes(2000)

# polytls as server


def page(server):
    seen = fetch(server, client_context(server))
    expect(seen.body == PAGE, seen)
    expect(seen.version == f"TLSv{server.case.version}" and seen.alpn == "http/1.1", seen)
    name, _, bits = seen.cipher
    expect(name.startswith({"1.2": "ECDHE-", "1.3": "TLS_"}[server.case.version]) and bits >= 128, seen)
    expect(not seen.reused, seen)


def resumes(server):
    context = client_context(server)
    first = fetch(server, context)
    again = fetch(server, context, session=first.session)
    expect(not first.reused and again.reused and again.body == PAGE, again)


def refuses(words, trust="ca", name="localhost"):
    def check(server):
        try:
            seen = fetch(server, client_context(server, trust=trust), name=name)
        except ssl.SSLCertVerificationError as error:
            expect(words in error.verify_message, error)
        else:
            raise Failed(f"it trusted: {seen}")

    return check


def sends(data):
    """Bytes that are no TLS get no HTTP for an answer."""

    def check(server):
        answer = b""
        # A reset is an end as good as any.
        with server.tcp() as tcp, contextlib.suppress(ConnectionError):
            tcp.sendall(data)
            tcp.shutdown(socket.SHUT_WR)
            while chunk := tcp.recv(65536):
                answer += chunk
        expect(b"HTTP" not in answer, answer)

    return check


def cut(server):
    """A client that goes in the middle of its request, without close_notify."""
    mark = server.running.mark()
    with server.tcp() as tcp:
        tls = client_context(server).wrap_socket(tcp, server_hostname="localhost")
        tls.sendall(REQUEST[:20])
        socket.socket(fileno=tls.detach()).close()
    server.running.wait_for("connection ended", since=mark)


def rsa(server):
    seen = fetch(server, client_context(server))
    expect(seen.body == PAGE and seen.version == f"TLSv{server.case.version}", seen)
    expect(server.case.version == "1.3" or "-RSA-" in seen.cipher[0], seen)


def client_certificate(server):
    seen = fetch(server, client_context(server, certificate="client"))
    expect(seen.body == PAGE, seen)


def lives_on(server, certificate=None):
    """After all that others did to it."""
    seen = fetch(server, client_context(server, certificate=certificate))
    expect(seen.body == PAGE, seen)
    expect(server.running.process.poll() is None, "the server has ended")
    expect("panicked" not in server.running.text(), server.running.text())


# polytls as client


def echo(case):
    with listening(case) as server:
        done = connect(case, server.port, "--alpn", "other,echo", data=BIG)
        seen = server.outcome()
    expect_connected(case, done, "echo")
    expect(done.output == BIG[::-1], f"{len(done.output)} bytes of {len(BIG)} came, {done.error}")
    expect(isinstance(seen, Seen) and seen.version == f"TLSv{case.version}" and seen.alpn == "echo", seen)


def resumes_for_polytls(case):
    with listening(case, connections=2) as server:
        done, resumed = reconnect(case, server.port, data=b"hello")
        expect(done.output == b"olleh", done)
        seen = [server.outcome(), server.outcome()]
    expect([one.reused for one in seen] == [False, resumed], seen)


def cut_by_server(case):
    with listening(case, cut=True) as server:
        done = connect(case, server.port, data=BIG)
    expect(done.output == BIG[::-1], f"{len(done.output)} bytes of {len(BIG)} came, {done.error}")
    expect(done.code == 1 and "without close_notify" in done.error, done)


def asks_with_certificate(case):
    with listening(case, asks=True) as server:
        done = connect(case, server.port, *identity(case), data=b"hello")
        seen = server.outcome()
    expect(done.code == 0 and done.output == b"olleh", done)
    expect(isinstance(seen, Seen) and seen.subject == "peers client", seen)


def asks_without_certificate(case):
    """Python's server is OpenSSL, which sends the alert that each version's RFC names."""
    with listening(case, asks=True) as server:
        done = connect(case, server.port)
        refusal = server.outcome()
    expect(isinstance(refusal, ssl.SSLError) and "PEER_DID_NOT_RETURN" in refusal.reason, refusal)
    expect_connect_refuses(done, NO_CERTIFICATE[case.version][0])


# How it is run


def version():
    for name in ("HAS_TLSv1_2", "HAS_TLSv1_3", "HAS_ALPN", "HAS_SNI"):
        expect(getattr(ssl, name), f"not {name}")
    return f"{sys.version.split()[0]} with {ssl.OPENSSL_VERSION}"


@dataclasses.dataclass
class Seen:
    """What Python's ssl says of a connection."""

    version: str
    cipher: tuple
    alpn: str
    subject: str = ""
    body: bytes = dataclasses.field(default=b"", repr=False)
    reused: bool = False
    session: ssl.SSLSession = dataclasses.field(default=None, repr=False)


def client_context(server, trust="ca", certificate=None):
    pki = server.case.pki
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pki.file(f"{trust}.pem"))
    context.minimum_version = context.maximum_version = VERSIONS[server.case.version]
    context.set_alpn_protocols(["http/1.1"])
    if certificate:
        context.load_cert_chain(pki.file(f"{certificate}.pem"), pki.file(f"{certificate}.key"))
    return context


def fetch(server, context, session=None, name="localhost"):
    """Fetches the page, up to the server's close_notify: another end is an error."""
    with server.tcp() as tcp, context.wrap_socket(
        tcp, server_hostname=name, suppress_ragged_eofs=False, session=session
    ) as tls:
        tls.sendall(REQUEST)
        head, _, body = read_to_end(tls).partition(b"\r\n\r\n")
        expect(head.startswith(b"HTTP/1.1 200 OK"), head)
        return Seen(
            tls.version(), tls.cipher(), tls.selected_alpn_protocol(), body=body, reused=tls.session_reused,
            session=tls.session,
        )


def read_to_end(tls):
    return b"".join(iter(lambda: tls.recv(65536), b""))


@dataclasses.dataclass
class Listening:
    """Python's ssl as a server: it sends back, in reverse, what came up to close_notify."""

    context: ssl.SSLContext
    listener: socket.socket
    cut: bool
    connections: int
    outcomes: queue.Queue = dataclasses.field(default_factory=queue.Queue)

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def outcome(self):
        """What was seen, or the error that ended it."""
        return self.outcomes.get(timeout=LIMIT)

    def serve(self):
        for _ in range(self.connections):
            self.serve_one()

    def serve_one(self):
        try:
            tcp, _ = self.listener.accept()
            tcp.settimeout(LIMIT)
            # With a second handle the socket outlives ssl's: were it closed with bytes unread, a reset could
            # overtake an alert.
            with tcp.dup() as rest:
                rest.settimeout(LIMIT)
                self.outcomes.put(self.converse(tcp))
                rest.shutdown(socket.SHUT_WR)
                while rest.recv(65536):
                    pass
        except OSError as error:
            self.outcomes.put(error)

    def converse(self, tcp):
        try:
            with self.context.wrap_socket(tcp, server_side=True, suppress_ragged_eofs=False) as tls:
                seen = self.echo(tls)
                # Closing the socket below ssl sends no close_notify.
                (socket.socket(fileno=tls.detach()) if self.cut else tls.unwrap()).close()
                return seen
        except ssl.SSLError as error:
            return error

    @staticmethod
    def echo(tls):
        subject = dict(pair[0] for pair in (tls.getpeercert() or {}).get("subject", ()))
        tls.sendall(read_to_end(tls)[::-1])
        return Seen(
            tls.version(), tls.cipher(), tls.selected_alpn_protocol(), subject.get("commonName", ""),
            reused=tls.session_reused,
        )


@contextlib.contextmanager
def listening(case, cut=False, asks=False, connections=1):
    """Python's ssl in a thread, on a free port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[case.version]
    context.load_cert_chain(case.pki.file("server.pem"), case.pki.file("server.key"))
    context.set_alpn_protocols(["echo"])
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(case.pki.file("ca.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT)
        server = Listening(context, listener, cut, connections)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            thread.join(LIMIT)


PEER = Peer(
    name="Python ssl",
    version=version,
    server=(
        Check("page", page),
        Check("resumes", resumes),
        Check("trusts another authority", refuses("unable to get local issuer certificate", trust="other")),
        Check("wants another name", refuses("Hostname mismatch", name="example.com")),
        Check("sends HTTP without TLS", sends(REQUEST)),
        Check("sends garbage", sends(GARBAGE)),
        Check("cuts the connection", cut),
    ),
    rsa_server=(Check("page", rsa),),
    required=(Check("a certificate", client_certificate),),
    optional=(Check("a certificate", client_certificate), Check("no certificate", page)),
    client=(
        Check("1 MiB and back", echo),
        Check("resumes", resumes_for_polytls),
        Check("cuts the connection", cut_by_server),
        Check("asks, a certificate", asks_with_certificate),
        Check("asks, no certificate", asks_without_certificate),
    ),
)
