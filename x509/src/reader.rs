//! DER, one field after the other, by the `der` crate.
