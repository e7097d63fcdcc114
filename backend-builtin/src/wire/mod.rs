//! Bytes and the structures of the RFCs: no keys, no I/O.
