//! From shared secrets to keys (RFC 8446 §7, RFC 5246 §6.3).
