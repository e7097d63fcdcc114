//! The one door to aws-lc-rs.
