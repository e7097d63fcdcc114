//! Connections over this backend alone. One program: each would link aws-lc again.

mod exporter;
mod handshake;
mod identities;
mod scene;
mod session_limits;
mod sessions;
