//! What the command gives to shells, to `man` and to terminals.

use std::{fs, process::Command};

use crate::support::{self, polytls, text};

const COMMANDS: [&str; 8] = ["tour", "backends", "connect", "verify", "serve", "bench", "completions", "man"];

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = polytls(&["completions", shell], b"");
        let script = text(output.stdout);
        assert_eq!((output.status.code(), text(output.stderr).as_str()), (Some(0), ""), "{shell}");
        for word in COMMANDS.iter().chain(&["starttls", "show-certs"]) {
            assert!(script.contains(word), "{shell}: `{word}` is missing");
        }
    }
}

#[test]
fn completions_are_scripts_of_their_shell() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = folder.path().join(shell);
        fs::write(&script, polytls(&["completions", shell], b"").stdout).unwrap();
        match Command::new(shell).arg(check).arg(&script).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", text(output.stderr)),
            // Only a shell that is there can be asked.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{shell}: {error}"),
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new").join("man1");
    let output = polytls(&["man", "--out", &out.display().to_string()], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(output.stderr));
    let written = text(output.stdout);
    assert_eq!(written.lines().count(), COMMANDS.len() + 1, "{written}");
    for command in COMMANDS {
        let page = fs::read_to_string(out.join(format!("polytls-{command}.1"))).unwrap();
        assert!(page.contains(&format!(".TH polytls-{command} 1 ")), "{page}");
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", "Exit codes: 0 success"] {
            assert!(page.contains(section), "{command}: `{section}` is not in: {page}");
        }
        assert_eq!(page, text(polytls(&["man", command], b"").stdout));
    }
    let whole = fs::read_to_string(out.join("polytls.1")).unwrap();
    assert_eq!(whole, text(polytls(&["man"], b"").stdout));
    assert!(COMMANDS.iter().all(|command| whole.contains(&format!("polytls\\-{command}(1)"))), "{whole}");
}

#[test]
fn help_says_what_the_json_holds() {
    for (command, key) in
        [("connect", "cipher_suite"), ("verify", "verdicts"), ("backends", "sni_off"), ("bench", "p99_us")]
    {
        let help = text(polytls(&[command, "--help"], b"").stdout);
        assert!(help.contains(key) && help.contains("Exit codes"), "{command}: {help}");
    }
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = support::command(arguments);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        (text(all.clone()).contains('\u{1b}'), all)
    };
    for arguments in [&["frobnicate"][..], &["backends", "--backend", "gnutls"], &["connect", "x"]] {
        let (plain, without) = coloured(arguments, &[]);
        let (never, same) =
            coloured(&[arguments, &["--color", "never"]].concat(), &[("CLICOLOR_FORCE", "1")]);
        assert!(!plain, "{arguments:?}");
        if arguments[0] != "frobnicate" {
            assert!(!never && same == without, "{arguments:?}");
            let (always, styled) = coloured(&[arguments, &["--color", "always"]].concat(), &[]);
            assert!(always, "{arguments:?}");
            assert_eq!(unstyled(&text(styled)).into_bytes(), without);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_colours_unless_it_says_no() {
    let on_a_terminal = |name: &str, value: &str| {
        let line = format!("{} man frobnicate", env!("CARGO_BIN_EXE_polytls"));
        let mut script = Command::new("script");
        // Continuous integration shows colours whatever TERM says.
        script.args(["-qec", &line, "/dev/null"]).env_remove("CI").env("TERM", "xterm").env(name, value);
        match script.stdin(std::process::Stdio::null()).output() {
            Ok(output) => Some(text(output.stdout)),
            // util-linux's script is how a test gets a terminal.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("script: {error}"),
        }
    };
    let Some(coloured) = on_a_terminal("UNUSED", "") else { return };
    assert!(coloured.contains("\u{1b}[") && coloured.contains("error:"), "{coloured:?}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = on_a_terminal(name, value).unwrap();
        assert!(plain.contains("error:") && !plain.contains('\u{1b}'), "{name}: {plain:?}");
    }
}

/// The text without its escape sequences, of which there are only those that set a style.
fn unstyled(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1)
}
