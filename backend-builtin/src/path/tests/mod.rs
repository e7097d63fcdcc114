//! Paths that are valid, and each way not to be.
