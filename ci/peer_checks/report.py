"""Checks, whose they are, and what became of them."""
import contextlib
import dataclasses
import pathlib
import typing

OWN = "polytls"  # whose checks those are that need no peer


class Failed(Exception):
    """A check that did not hold, with what was seen."""


def expect(condition, seen):
    if not condition:
        raise Failed(seen)


@dataclasses.dataclass(frozen=True)
class Check:
    """A behaviour, and what fails without it: a function of the Server, or of the Case for clients."""

    what: str
    action: typing.Callable
    versions: tuple = ("1.2", "1.3")


@dataclasses.dataclass(frozen=True)
class Peer:
    """Another implementation, and its checks.

    `version` tells which it is; without it, the peer is missing. `prepare` makes what it needs, in a folder.
    """

    name: str
    version: typing.Callable[[], str]
    prepare: typing.Callable[[pathlib.Path], None] = lambda folder: None
    # Of `polytls serve`: as it is, with an RSA key, and for each value of --client-auth.
    server: tuple = ()
    rsa_server: tuple = ()
    required: tuple = ()
    optional: tuple = ()
    # Of `polytls connect`.
    client: tuple = ()


class Report:
    """Runs checks, prints a line for each, and counts per peer."""

    def __init__(self):
        self.passed, self.failed = {}, {}

    def expects(self, peer):
        """Even a peer of which nothing is heard has its line in the table."""
        self.passed.setdefault(peer, 0)
        self.failed.setdefault(peer, 0)

    def check(self, peer, name, action):
        self.expects(peer)
        with self.failing_as(peer, name):
            action()
            self.passed[peer] += 1
            print(f"ok  {peer} · {name}", flush=True)

    @contextlib.contextmanager
    def failing_as(self, peer, name):
        """Whatever goes wrong inside is a failure of this name, and the next check has its turn."""
        try:
            yield
        except Exception as error:
            self.failure(peer, name, error)

    def failure(self, peer, name, error):
        self.expects(peer)
        self.failed[peer] += 1
        kind = "" if isinstance(error, Failed) else f"{type(error).__name__}: "
        reason = " | ".join(str(error).splitlines())
        shown = reason if len(reason) <= 1500 else f"{reason[:500]} ... {reason[-1000:]}"
        print(f"FAILED  {peer} · {name}: {kind}{shown}", flush=True)

    def group(self, case, role, checks, starting):
        """Checks of one subject, each with its peer: of a server, which is stopped after them, or of a client."""
        name = f"{case.engine.name} {role} · {{}} · TLS {case.version}"
        with self.failing_as(OWN, name.format("starts and stops")), starting as subject:
            for peer, check in checks:
                if case.version in check.versions:
                    self.check(peer, name.format(check.what), lambda: check.action(subject))

    def close(self):
        """Prints the counts; the exit code is 1 if a check failed, or a peer had none."""
        print(f"\n{'peer':14}{'checks':>8}{'passed':>8}{'failed':>8}")
        for peer, passed in self.passed.items():
            print(f"{peer:14}{passed + self.failed[peer]:8}{passed:8}{self.failed[peer]:8}")
        passed, failed = sum(self.passed.values()), sum(self.failed.values())
        print(f"\npeers: {passed} passed, {failed} failed")
        idle = [peer for peer in self.passed if self.passed[peer] + self.failed[peer] == 0]
        return 1 if failed or idle or not passed else 0
