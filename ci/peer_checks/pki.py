"""Authorities and what they issued, made by the openssl command."""
import dataclasses
import pathlib

from peer_checks.processes import run
from peer_checks.report import expect

PASSWORD = "password"  # of the PKCS#12 files


@dataclasses.dataclass
class Pki:
    """A folder: NAME.pem and NAME.key in PEM, NAME.p12 of both."""

    folder: pathlib.Path

    def file(self, name):
        return self.folder / name

    @classmethod
    def make(cls, folder):
        """`ca` signs `middle`, and `middle` everybody but the stranger: whoever presents a certificate sends both."""
        pki = cls(folder)
        pki.file("index.txt").touch()
        pki.file("serial").write_text("1000\n")
        pki.file("ca.cnf").write_text(CONFIGURATION.format(folder=folder))
        days = ["-days", "30"]
        for name in ("ca", "other"):
            pki.openssl("req", "-x509", *pki.new_key(name), *days, "-out", pki.file(f"{name}.pem"))
        pki.issue("middle", "ca", "authority", *days)
        pki.issue("server", "middle", "server", *days)
        pki.issue("renewed", "middle", "server", *days)
        pki.issue("rsa", "middle", "server", *days, key=["rsa:2048"])
        pki.issue("client", "middle", "client", *days)
        pki.issue("stranger", "other", "client", *days)
        pki.issue("expired", "middle", "both", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
        return pki

    def new_key(self, name, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        subject = ["-config", self.file("ca.cnf"), "-subj", f"/CN=peers {name}"]
        return ["-newkey", *key, "-nodes", "-keyout", self.file(f"{name}.key"), *subject]

    def issue(self, name, authority, extensions, *validity, **key):
        request, certificate = self.file(f"{name}.csr"), self.file(f"{name}.pem")
        self.openssl("req", "-new", *self.new_key(name, **key), "-out", request)
        self.openssl(
            "ca", "-batch", "-notext", "-config", self.file("ca.cnf"), "-extensions", extensions, *validity,
            "-cert", self.file(f"{authority}.pem"), "-keyfile", self.file(f"{authority}.key"),
            "-in", request, "-out", certificate,
        )
        if authority == "middle":
            certificate.write_text(certificate.read_text() + self.file("middle.pem").read_text())
        self.openssl(
            "pkcs12", "-export", "-in", certificate, "-inkey", self.file(f"{name}.key"), "-name", name,
            "-passout", f"pass:{PASSWORD}", "-out", self.file(f"{name}.p12"),
        )

    def openssl(self, *arguments):
        done = run("openssl", *arguments)
        expect(done.code == 0, f"openssl {arguments[0]}: {done}")


CONFIGURATION = """
[req]
distinguished_name = name
x509_extensions = authority
[name]
[ca]
default_ca = here
[here]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = policy
[policy]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
basicConstraints = critical, CA:FALSE
authorityKeyIdentifier = keyid
[client]
extendedKeyUsage = clientAuth
basicConstraints = critical, CA:FALSE
authorityKeyIdentifier = keyid
[both]
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth, clientAuth
basicConstraints = critical, CA:FALSE
authorityKeyIdentifier = keyid
"""
