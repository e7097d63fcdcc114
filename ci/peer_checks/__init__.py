"""What ci/peers is made of.

`report` runs checks and counts, `processes` runs commands, `pki` makes the certificates, `polytls` starts what is under
test. Each peer has a file, with its checks and how it is run; Go, Node and Java share those of `programs`.
"""
