"""gnutls-cli and gnutls-serv."""
import base64
import contextlib
import re
import socket
import tempfile

from peer_checks.polytls import (
    BIG, OTHER_VERSION, PAGE, REQUEST, Server, connect, expect_connect_refuses, expect_connected,
    identity, page_of, reconnect,
)
from peer_checks.processes import Running, first_line, run
from peer_checks.report import Check, Peer, expect

# gnutls-serv echoes lines, so it gets text: 1 MiB of it.
LINES = base64.encodebytes(BIG[: (1 << 20) * 3 // 4])
# Its alerts for a client without a certificate; the one of TLS 1.2 is its own choice.
NO_CERTIFICATE_ALERT = {"1.2": "decode_error", "1.3": "certificate_required"}

# polytls as server


def page_and_file(server):
    for path, content in (("page.txt", PAGE), ("big.bin", BIG)):
        done = gnutls_cli(server, data=REQUEST.replace(b"page.txt", path.encode()))
        expect_established(server, done, "http/1.1")
        expect(page_of(done) == content, f"{len(done.output)} bytes came, other than those served")


def offers_both(server):
    expect_established(server, gnutls_cli(server, "--alpn", "h2"), "h2")


def expect_established(server, done, alpn):
    expect(done.code == 0 and "Status: The certificate is trusted." in done.error, done)
    expect(f"Description: (TLS{server.case.version}-X.509)-(ECDHE-" in done.error, done.error)
    expect(f"Application protocol: {alpn}" in done.error, done.error)


def resumes(server):
    # In TLS 1.3 the ticket comes after the handshake, and gnutls-cli would not wait for it.
    done = gnutls_cli(server, "--resume", "--waitresumption", data=REQUEST)
    expect(done.code == 0 and page_of(done) == PAGE, done)
    expect(done.error.count("*** This is a resumed session") == 1, done.error)


def refuses(words, **settings):
    def check(server):
        mark = server.running.mark()
        done = gnutls_cli(server, data=REQUEST, **settings)
        expect(done.code == 1 and words in done.error and not done.output, done)
        server.running.wait_for("alert `bad_certificate`", since=mark)

    return check


def other_version(server):
    done = gnutls_cli(server, version=OTHER_VERSION[server.case.version])
    expect(done.code == 1 and not done.output, done)
    expect(re.search(r"Received alert \[70\]|protocol version", done.error), done.error)


def client_certificate(server):
    files = ["--x509certfile", server.case.pki.file("client.pem"), "--x509keyfile", server.case.pki.file("client.key")]
    done = gnutls_cli(server, *files, data=REQUEST)
    expect(done.code == 0 and page_of(done) == PAGE, done)


def no_client_certificate(server):
    mark = server.running.mark()
    done = gnutls_cli(server)
    expect(done.code == 1 and not done.output, done)
    expect(re.search(r"Received alert \[(116|40)\]", done.error), done.error)
    server.running.wait_for("presented no certificate", since=mark)


# polytls as client


def echo(case):
    with gnutls_serv(case, "--disable-client-cert") as server:
        done = connect(case, server.port, "--alpn", "h2,http/1.1", "--name", "localhost", data=LINES)
        server.running.wait_for("Application protocol: http/1.1")
        server.running.wait_for(rf"Version: TLS{case.version}")
        server.running.wait_for("Given server name.*: localhost")
    expect_connected(case, done, "http/1.1")
    expect(done.output == LINES, f"{len(done.output)} bytes of {len(LINES)} came, {done.error}")


def resumes_for_polytls(case):
    with gnutls_serv(case, "--disable-client-cert") as server:
        done, resumed = reconnect(case, server.port, data=b"hello\n")
        expect(done.output == b"hello\n", done)
        server.running.wait_for("(?s)(Accepted connection.*){2}received cmd: hello")
        expect(server.running.text().count("*** This is a resumed session") == resumed, server.running.text())


def asks_with_certificate(case):
    with gnutls_serv(case, *asking(case)) as server:
        done = connect(case, server.port, *identity(case), data=b"hello\n")
        expect(done.code == 0 and done.output == b"hello\n", done)
        server.running.wait_for("Subject: CN=peers client$")


def asks_without_certificate(case):
    with gnutls_serv(case, *asking(case)) as server:
        expect_connect_refuses(connect(case, server.port), NO_CERTIFICATE_ALERT[case.version])
        server.running.wait_for("Error in handshake: (No certificate was found|Certificate is required)")


def asking(case):
    return ["--require-client-cert", "--verify-client-cert", "--x509cafile", case.pki.file("ca.pem")]


def refused(words, *options, certificate="server", trust="ca"):
    def check(case):
        with gnutls_serv(case, "--disable-client-cert", certificate=certificate) as server:
            expect_connect_refuses(connect(case, server.port, *options, trust=trust, data=b"a secret\n"), words)

    return check


def other_version_of_server(case):
    with gnutls_serv(case, "--disable-client-cert", version=OTHER_VERSION[case.version]) as server:
        # A server of TLS 1.2 alone finds no suite that it has, or leaves it to the client to find its version wrong.
        expect_connect_refuses(connect(case, server.port), "protocol_version|handshake_failure|offers no version")


# How it is run


def priority(version):
    return ["--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}"]


def gnutls_cli(server, *options, data=b"", trust="ca", name="localhost", version=None):
    """What gnutls-cli says goes to a file, and from there to the error; its output is the server's alone."""
    alpn = [] if "--alpn" in options else ["--alpn", "http/1.1"]
    with tempfile.NamedTemporaryFile(dir=server.case.pki.folder) as log:
        done = run(
            "gnutls-cli", "--port", server.port, "--x509cafile", server.case.pki.file(f"{trust}.pem"),
            "--sni-hostname", name, "--verify-hostname", name, *priority(version or server.case.version),
            "--logfile", log.name, *alpn, *options, "127.0.0.1", data=data,
        )
        done.error += log.read().decode(errors="replace")
    return done


@contextlib.contextmanager
def gnutls_serv(case, *options, certificate="server", version=None):
    """`gnutls-serv --echo`, which can neither be given port 0 nor an address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        # Its output is to come as it is made, although it goes to a pipe.
        "stdbuf", "-oL", "gnutls-serv", "--echo", "--crlf", "--port", port, "--alpn", "http/1.1",
        "--x509certfile", case.pki.file(f"{certificate}.pem"), "--x509keyfile", case.pki.file(f"{certificate}.key"),
        *priority(version or case.version), *options,
    ]
    with Running.start(*command) as running:
        running.wait_for(rf"listening on IPv4 .* port {port}\.\.\.done")
        yield Server(case, running, port)


PEER = Peer(
    name="GnuTLS",
    version=lambda: f"{first_line('gnutls-cli', '--version')}, {first_line('gnutls-serv', '--version')}",
    server=(
        Check("page and 1 MiB", page_and_file),
        Check("h2", offers_both),
        Check("resumes", resumes),
        Check("trusts another authority", refuses("The certificate issuer is unknown", trust="other")),
        Check("wants another name", refuses("The name in the certificate does not match", name="example.com")),
        Check("speaks the other version only", other_version),
    ),
    rsa_server=(Check("page and 1 MiB", page_and_file),),
    required=(Check("a certificate", client_certificate), Check("no certificate", no_client_certificate)),
    optional=(Check("a certificate", client_certificate), Check("no certificate", page_and_file)),
    client=(
        Check("1 MiB and back", echo),
        Check("resumes", resumes_for_polytls),
        Check("asks, a certificate", asks_with_certificate),
        Check("asks, no certificate", asks_without_certificate),
        Check("has expired", refused("expired", certificate="expired")),
        Check("has another name", refused("not for `example.com`", "--name", "example.com")),
        Check("is of another authority", refused("no trusted root", trust="other")),
        Check("speaks the other version only", other_version_of_server),
    ),
)
