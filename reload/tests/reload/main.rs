//! Identities and roots that follow their files: what is put in force, what is refused, and what lives on.

mod connections;
mod identity;
mod roots;
mod support;
mod watching;
