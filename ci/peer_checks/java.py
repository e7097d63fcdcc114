"""Java's JSSE."""
import pathlib

from peer_checks.processes import first_line, run
from peer_checks.programs import Program
from peer_checks.report import expect


def build(folder):
    done = run("javac", "-d", folder / "java", pathlib.Path(__file__).parent / "java" / "Peer.java", limit=120)
    expect(done.code == 0, done)
    # A program that runs for a second gains nothing from the optimiser.
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", folder / "java", "Peer"]


PEER = Program(
    name="Java",
    version=lambda: first_line("java", "-version"),
    build=build,
    untrusted="PKIX path building failed",
    untrusted_heard="alert `certificate_unknown`",
    wrong_name="No subject alternative DNS name matching example.com found",
    no_certificate="fatal alert: (certificate_required|handshake_failure)",
    no_certificate_alert={"1.2": "bad_certificate", "1.3": "bad_certificate"},
).peer()
