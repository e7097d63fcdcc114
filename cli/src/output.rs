//! What goes to standard output and standard error: a reader that has gone away is a failure, never a panic.
//!
//! Text may carry styles: they reach a terminal, or whoever asked for them, and nobody else. What a peer said
//! is made [`printable`] before it gets here, so that it cannot pass for a style.

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;

/// A heading, a name.
pub(crate) const STRONG: Style = Style::new().bold();
/// What explains.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// When text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// From here on, in the whole process.
    pub(crate) fn choose(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::AlwaysAnsi,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Whether styles reach standard error.
pub(crate) fn notes_are_coloured() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// The text in this style.
pub(crate) fn styled(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes to standard output at once, so that scripts can wait for it.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| unwritable(&error))
}

/// Writes a line to standard error. If that is gone, there is nobody left to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Standard output takes no more.
pub(crate) fn unwritable(error: &io::Error) -> Failure {
    Failure::connection(format!("cannot write to standard output: {error}"))
}

/// The same text on one line, with whatever would steer a terminal written out.
///
/// Names in certificates and replies of servers are a stranger's: they may hold escape sequences, line ends and
/// marks that turn the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// The value in JSON, on one line that steers no terminal either.
///
/// JSON itself escapes what is below 0x20 and no more. The rest stands in strings alone, where `\u` means the same.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Strings, numbers and lists: nothing in it can fail to be JSON.
    let plain = serde_json::to_string(value).unwrap_or_default();
    let mut safe = String::with_capacity(plain.len());
    for character in plain.chars() {
        if steers(character) {
            // None of them is beyond the four digits that there are.
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Whether a terminal obeys it instead of showing it: C0, DEL, C1, and marks of direction.
fn steers(character: char) -> bool {
    character.is_control() || is_mark_of_direction(character)
}

/// The line and paragraph separators, and what Unicode's bidirectional algorithm obeys.
fn is_mark_of_direction(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_steers_no_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\r\nc"), "a\\u{1b}[31mb\\u{d}\\u{a}c");
        assert_eq!(printable("\u{202e}moc"), "\\u{202e}moc");
        assert_eq!(printable("naïve – ü.example"), "naïve – ü.example");
    }

    #[test]
    fn json_steers_no_terminal_and_stays_the_same() {
        let text = "\u{1b}\n\u{7f}\u{9b}\u{61c}\u{2028}\u{202e}\u{2069} naïve \\ \"";
        let line = json(&[text]);
        assert_eq!(line, r#"["\u001b\n\u007f\u009b\u061c\u2028\u202e\u2069 naïve \\ \""]"#);
        assert_eq!(serde_json::from_str::<[String; 1]>(&line).unwrap(), [text]);
    }
}
