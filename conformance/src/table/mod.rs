//! The table of all behaviours: the one list from which the table and the tests are made.
//!
//! The list is long, so each file holds the areas of one theme, and hands what came before it and its own to the next.

mod handshake;
mod hooks;
mod streams;

use crate::Behaviour;

/// Hands the list to another macro of this crate: areas, and in each the behaviours with what they assert.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_behaviour {
    ($callback:ident) => {
        $crate::__handshake_behaviours! { $callback {} }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __table {
    ($($area:ident { $($name:ident: $what:literal;)* })*) => {
        /// Every behaviour, by area.
        pub const BEHAVIOURS: &[Behaviour] = &[
            $($(Behaviour {
                name: stringify!($name),
                area: stringify!($area),
                what: $what,
                run: |pair| Box::pin($crate::$area::$name(pair)),
            },)*)*
        ];
    };
}

crate::__each_behaviour!(__table);
