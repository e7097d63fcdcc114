"""Go's crypto/tls."""
import pathlib

from peer_checks.processes import first_line, run
from peer_checks.programs import Program
from peer_checks.report import expect

# Neither another toolchain nor modules are looked for, and no C compiler.
ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}


def build(folder):
    program = folder / "go-peer"
    # Go builds its own library first, which takes its time when its cache is empty.
    source = pathlib.Path(__file__).parent / "go"
    done = run("go", "build", "-o", program, ".", cwd=source, environment=ENVIRONMENT, limit=300)
    expect(done.code == 0, done)
    return [program]


PEER = Program(
    name="Go",
    version=lambda: first_line("go", "version"),
    build=build,
    untrusted="certificate signed by unknown authority",
    untrusted_heard="alert `bad_certificate`",
    wrong_name="certificate is valid for localhost, not example.com",
    no_certificate="tls: (certificate required|handshake failure)",
    no_certificate_alert={"1.2": "handshake_failure", "1.3": "certificate_required"},
).peer()
