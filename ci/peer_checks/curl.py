"""curl, a client of HTTP/1.1 and HTTP/2."""
import re

from peer_checks.polytls import BIG, PAGE
from peer_checks.processes import LIMIT, first_line, run
from peer_checks.report import Check, Peer, expect


def page_and_file(protocol, number):
    def check(server):
        done = curl(server, protocol, "-w", "%{stderr}HTTP/%{http_version} verify=%{ssl_verify_result};",
                    files=["page.txt", "big.bin"])
        expect(done.code == 0, done)
        expect(done.output == PAGE + BIG, f"{len(done.output)} bytes came, other than those served")
        expect(done.error == f"HTTP/{number} verify=0;" * 2, done)

    return check


def other_authority(server):
    done = curl(server, "--http1.1", trust="other")
    expect(done.code == 60 and not done.output, done)


def other_name(server):
    done = curl(server, "--http1.1", host="example.com")
    expect(done.code == 60 and not done.output and "example.com" in done.error, done)


def client_certificate(server):
    pki = server.case.pki
    done = curl(server, "--http2", "--cert", pki.file("client.pem"), "--key", pki.file("client.key"))
    expect(done.code == 0 and done.output == PAGE, done)


def no_client_certificate(server):
    done = curl(server, "--http1.1")
    expect(done.code not in (0, 28) and not done.output, done)


def version():
    features = run("curl", "-q", "--version").text
    for feature in ("SSL", "HTTP2"):
        expect(re.search(rf"^Features:.*\b{feature}\b", features, re.MULTILINE), f"no {feature} in: {features}")
    return first_line("curl", "-q", "--version")


def curl(server, *options, files=("page.txt",), trust="ca", host="localhost"):
    version = server.case.version
    return run(
        "curl", "-q", "-sS", "--noproxy", "*", "--max-time", LIMIT - 2, "--tlsv" + version, "--tls-max", version,
        "--connect-to", f"{host}:{server.port}:127.0.0.1:{server.port}",
        "--cacert", server.case.pki.file(f"{trust}.pem"), *options,
        *(f"https://{host}:{server.port}/{file}" for file in files),
    )


PEER = Peer(
    name="curl",
    version=version,
    server=(
        Check("page and 1 MiB, http/1.1", page_and_file("--http1.1", "1.1")),
        Check("page and 1 MiB, h2", page_and_file("--http2", "2")),
        Check("trusts another authority", other_authority),
        Check("wants another name", other_name),
    ),
    rsa_server=(Check("page and 1 MiB, h2", page_and_file("--http2", "2")),),
    required=(Check("a certificate", client_certificate), Check("no certificate", no_client_certificate)),
    optional=(Check("a certificate", client_certificate),),
)
