"""Node's tls."""
import pathlib

from peer_checks.processes import first_line
from peer_checks.programs import Program

PEER = Program(
    name="Node",
    version=lambda: first_line("node", "-p", "`${process.version} with OpenSSL ${process.versions.openssl}`"),
    build=lambda folder: ["node", pathlib.Path(__file__).parent / "node" / "peer.mjs"],
    untrusted="UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN",
    # It verifies once the handshake is over, and has no alert for it.
    untrusted_heard="the peer cut the connection",
    wrong_name="ERR_TLS_CERT_ALTNAME_INVALID",
    no_certificate="ALERT_CERTIFICATE_REQUIRED|alert certificate required|HANDSHAKE_FAILURE",
    no_certificate_alert={"1.2": "handshake_failure", "1.3": "certificate_required"},
).peer()
