//! One cell of the capability table: a value, as text for people and as JSON for programs.

use std::fmt;

use serde_json::{Value, json};

/// The text of what is not there.
const NO: &str = "–";

/// What a backend has of one capability.
#[derive(Debug)]
pub(super) enum Cell {
    /// Has it or not.
    Flag(bool),
    /// These.
    List(Vec<String>),
    /// These, and whether the application may choose among them; `counted` shows people their number alone.
    Choice { names: Vec<String>, chosen: bool, counted: bool },
    /// Runs a hook of the application's, in this way.
    Hook(Option<&'static str>),
    /// Can be insisted on, can be forbidden.
    OnOff { on: bool, off: bool },
    /// Can be negotiated in these roles.
    Roles { client: bool, server: bool },
}

impl Cell {
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Flag(has) => json!(has),
            Self::List(names) => json!(names),
            Self::Choice { names, chosen, .. } => json!({ "names": names, "chosen": chosen }),
            Self::Hook(way) => json!(way),
            Self::OnOff { on, off } => json!({ "on": on, "off": off }),
            Self::Roles { client, server } => {
                let roles = [("client", client), ("server", server)];
                json!(roles.iter().filter(|(_, has)| **has).map(|(role, _)| role).collect::<Vec<_>>())
            }
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(has) => f.write_str(yes(*has)),
            Self::List(names) if names.is_empty() => f.write_str(NO),
            Self::List(names) => f.write_str(&names.join(", ")),
            Self::Choice { names, counted: true, .. } if names.is_empty() => f.write_str(NO),
            Self::Choice { names, chosen, counted } => {
                let listed = if names.is_empty() { NO.into() } else { names.join(", ") };
                let shown = if *counted { names.len().to_string() } else { listed };
                write!(f, "{shown}{}", if *chosen { ", chosen" } else { "" })
            }
            Self::Hook(Some(way)) => write!(f, "yes, {way}"),
            Self::Hook(None) => f.write_str(NO),
            Self::OnOff { on, off } => write!(f, "{} / {}", yes(*on), yes(*off)),
            Self::Roles { client: true, server: true } => f.write_str("yes"),
            Self::Roles { client: true, server: false } => f.write_str("client"),
            Self::Roles { client: false, server: true } => f.write_str("server"),
            Self::Roles { client: false, server: false } => f.write_str(NO),
        }
    }
}

fn yes(has: bool) -> &'static str {
    if has { "yes" } else { NO }
}
