//! Nothing: the manifest names the crate that has the source of the runner.
