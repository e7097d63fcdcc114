//! The records of a handshake (RFC 8446 §5).
