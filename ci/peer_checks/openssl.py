"""openssl s_client and s_server."""
import contextlib
import re

from peer_checks.polytls import (
    BIG, NO_CERTIFICATE, OTHER_VERSION, PAGE, REQUEST, Server, connect, connect_command, expect_connect_refuses,
    expect_connected, reconnect, serving_reloaded,
)
from peer_checks.processes import Running, first_line, run
from peer_checks.report import Check, Peer, expect

# polytls as server


def page(server):
    expect_established(server, s_client(server, "-alpn", "h2,http/1.1"), "h2")
    done = s_client(server, "-alpn", "http/1.1", "-ign_eof", data=REQUEST)
    expect_established(server, done, "http/1.1")
    expect(b"HTTP/1.1 200 OK" in done.output and PAGE in done.output, done)


def expect_established(server, done, alpn):
    # s_client says `Verify return code: 0` of a TLS 1.2 handshake that failed, too.
    expect(done.code == 0 and "Verification: OK" in done.text, done)
    expect("Verify return code: 0 (ok)" in done.text, done)
    expect(re.search(rf"^New, TLSv{server.case.version}, Cipher is \S+", done.text, re.MULTILINE), done)
    expect(f"ALPN protocol: {alpn}" in done.text, done)


def resumes(server):
    session = server.case.pki.file(f"{server.case.engine.name}-{server.case.version}.session")
    first = s_client(server, "-alpn", "http/1.1", "-sess_out", session, "-ign_eof", data=REQUEST)
    expect(first.code == 0 and PAGE in first.output, first)
    again = s_client(server, "-alpn", "http/1.1", "-sess_in", session, "-ign_eof", data=REQUEST)
    expect(again.code == 0 and f"Reused, TLSv{server.case.version}" in again.text, again)
    expect(PAGE in again.output, again)


def renewed_certificate(case):
    """The next client sees the new certificate; a session from before goes on, and so does a connection."""
    with serving_reloaded(case) as (server, renew):
        session = case.pki.file(f"reloaded-{case.engine.name}-{case.version}.session")
        first = s_client(server, "-alpn", "http/1.1", "-sess_out", session, "-ign_eof", data=REQUEST)
        expect(first.code == 0 and PAGE in first.output and "CN = peers server" in first.text, first)
        with Running.start(*s_client_command(server, "-alpn", "http/1.1", "-ign_eof")) as open_before:
            open_before.wait_for("Verify return code: 0")
            renew("renewed")
            renewed = s_client(server, "-alpn", "http/1.1")
            expect_established(server, renewed, "http/1.1")
            expect("CN = peers renewed" in renewed.text, renewed)
            again = s_client(server, "-alpn", "http/1.1", "-sess_in", session, "-ign_eof", data=REQUEST)
            expect(again.code == 0 and f"Reused, TLSv{case.version}" in again.text, again)
            open_before.write(REQUEST)
            open_before.wait_for(re.escape(PAGE.decode()))


def key_update(server):
    with Running.start(*s_client_command(server, "-alpn", "http/1.1", "-msg")) as client:
        client.wait_for("Verify return code: 0")
        client.write(b"K\n")
        client.wait_for(">>> TLS 1.3, Handshake .*, KeyUpdate")
        client.write(REQUEST)
        client.wait_for(re.escape(PAGE.decode()))
        client.wait_for("<<< TLS 1.3, Handshake .*, KeyUpdate")


def other_authority(server):
    mark = server.running.mark()
    done = s_client(server, "-msg", "-ign_eof", trust="other")
    expect(done.code != 0 and alerts(done, ">>>") == ["unknown_ca"], done)
    server.running.wait_for("unknown_ca", since=mark)


def other_name(server):
    done = s_client(server, "-msg", "-ign_eof", name="example.com")
    expect(done.code != 0 and alerts(done, ">>>"), done)
    expect("hostname mismatch" in done.text.lower(), done)


def other_version(server):
    done = s_client(server, "-msg", "-ign_eof", version=OTHER_VERSION[server.case.version])
    expect(done.code != 0 and alerts(done, "<<<") == ["protocol_version"], done)


def no_client_certificate(server):
    expect_refused(s_client(server, "-msg", "-ign_eof"), NO_CERTIFICATE[server.case.version])


def client_certificate_refused(certificate, alert):
    def check(server):
        files = {"-cert": f"{certificate}.pem", "-key": f"{certificate}.key", "-cert_chain": "middle.pem"}
        options = [part for option, name in files.items() for part in (option, server.case.pki.file(name))]
        expect_refused(s_client(server, "-msg", "-ign_eof", *options), [alert])

    return check


def expect_refused(done, allowed):
    """s_client hears why. It has sent no request: a reset because of one might overtake the alert."""
    received = alerts(done, "<<<")
    expect(done.code != 0 and len(received) == 1 and received[0] in allowed, done)


# polytls as client


def file(certificate):
    def check(case):
        options = ["-WWW", "-alpn", "http/1.1"]
        with s_server(case, *options, certificate=certificate, cwd=case.pki.file("public")) as server:
            request = b"GET /big.bin HTTP/1.0\r\n\r\n"
            done = connect(case, server.port, "--alpn", "h2,http/1.1", "--name", "localhost", data=request)
        expect_connected(case, done, "http/1.1")
        head, _, body = done.output.partition(b"\r\n\r\n")
        expect(head.startswith(b"HTTP/1.0 200 ok") and body == BIG, (head, len(body), done.error))

    return check


def resumes_for_polytls(case):
    with s_server(case, "-rev") as server:
        done, _ = reconnect(case, server.port, data=b"hello\n")
        expect(done.output == b"olleh\n", done)


def key_update_of_server(case):
    with s_server(case, "-msg") as server:
        with Running.start(*connect_command(case, server.port)) as client:
            # s_server ignores the command until the handshake is over.
            server.running.wait_for("<<< TLS 1.3, Handshake .*, Finished")
            server.running.write(b"K\n")
            server.running.wait_for(">>> TLS 1.3, Handshake .*, KeyUpdate")
            server.running.write(b"from the server\n")
            client.wait_for("from the server")
            client.write(b"from the client\n")
            server.running.wait_for("from the client")
            server.running.wait_for("<<< TLS 1.3, Handshake .*, KeyUpdate")


def refused(words, alert, *options, certificate="server", trust="ca"):
    """polytls refuses the server, tells its user why, alerts the server, and sends none of its data."""

    def check(case):
        with s_server(case, certificate=certificate) as server:
            expect_connect_refuses(connect(case, server.port, *options, trust=trust, data=b"a secret\n"), words)
            server.running.wait_for(f"alert {alert}")
            expect("a secret" not in server.running.text(), server.running.text())

    return check


def other_version_of_server(case):
    with s_server(case, version=OTHER_VERSION[case.version]) as server:
        expect_connect_refuses(connect(case, server.port), "protocol_version")


# How it is run


def alerts(done, direction):
    """The fatal alerts in what `-msg` prints: `>>>` the peer sent, `<<<` it received."""
    return re.findall(rf"^{direction} .*Alert .*fatal (\w+)", done.text, re.MULTILINE)


def version_option(version):
    return "-tls" + version.replace(".", "_")


@contextlib.contextmanager
def s_server(case, *options, certificate="server", version=None, cwd=None):
    """`openssl s_server` on a free port."""
    command = [
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", case.pki.file(f"{certificate}.pem"),
        "-key", case.pki.file(f"{certificate}.key"), "-cert_chain", case.pki.file("middle.pem"),
        version_option(version or case.version), *options,
    ]
    with Running.start(*command, cwd=cwd) as running:
        yield Server(case, running, int(running.wait_for(r"ACCEPT 127\.0\.0\.1:(\d+)\n")[1]))


def s_client_command(server, *options, trust="ca", name="localhost", version=None):
    return [
        "openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", name, "-verify_hostname", name,
        "-verify_return_error", "-CAfile", server.case.pki.file(f"{trust}.pem"),
        version_option(version or server.case.version), *options,
    ]


def s_client(server, *options, data=b"", **settings):
    return run(*s_client_command(server, *options, **settings), data=data)


REFUSED_CERTIFICATES = (
    Check("a stranger's certificate", client_certificate_refused("stranger", "unknown_ca")),
    Check("an expired certificate", client_certificate_refused("expired", "certificate_expired")),
)

PEER = Peer(
    name="openssl",
    version=lambda: first_line("openssl", "version"),
    server=(
        Check("page, h2 or http/1.1", page),
        Check("resumes", resumes),
        Check("updates keys", key_update, versions=("1.3",)),
        Check("trusts another authority", other_authority),
        Check("wants another name", other_name),
        Check("speaks the other version only", other_version),
    ),
    required=(Check("no certificate", no_client_certificate), *REFUSED_CERTIFICATES),
    optional=REFUSED_CERTIFICATES,
    client=(
        Check("1 MiB", file("server")),
        Check("1 MiB, RSA key", file("rsa")),
        Check("resumes", resumes_for_polytls),
        Check("updates keys", key_update_of_server, versions=("1.3",)),
        Check("has expired", refused("expired", "certificate expired", certificate="expired")),
        Check("has another name", refused("not for `example.com`", r"\w+", "--name", "example.com")),
        Check("is of another authority", refused("no trusted root", "unknown ca", trust="other")),
        Check("speaks the other version only", other_version_of_server),
    ),
)
