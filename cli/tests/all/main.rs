//! The command, run as a user runs it. One program: each would link every engine again.

mod bad_input;
mod bench;
mod commands;
mod connect;
mod serve_and_connect;
mod shell;
mod starttls;
mod support;
mod verify;
mod verify_differences;
mod verify_files;
mod verify_revocation;
