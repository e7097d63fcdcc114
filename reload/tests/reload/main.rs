//! Identities, roots and revocation lists that follow their files: what is put in force, what is refused, and what lives on.

mod connections;
mod crls;
mod identity;
mod roots;
mod support;
mod watching;
