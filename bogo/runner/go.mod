// The runner's module, reduced to what it imports, with Debian's packages of it.
module boringssl.googlesource.com/boringssl.git

go 1.27

require (
	filippo.io/edwards25519 v1.0.0
	golang.org/x/crypto v0.4.0
	golang.org/x/sys v0.5.0
	golang.org/x/term v0.5.0
)

replace (
	filippo.io/edwards25519 => /usr/share/gocode/src/filippo.io/edwards25519
	golang.org/x/crypto => /usr/share/gocode/src/golang.org/x/crypto
	golang.org/x/net => /usr/share/gocode/src/golang.org/x/net
	golang.org/x/sys => /usr/share/gocode/src/golang.org/x/sys
	golang.org/x/term => /usr/share/gocode/src/golang.org/x/term
	golang.org/x/text => /usr/share/gocode/src/golang.org/x/text
)
