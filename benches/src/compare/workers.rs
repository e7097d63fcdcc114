//! The processes that run rounds, one for each stack.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use polytls_benches::worker::{Answer, Greeting, PROTOCOL, Request};

/// A stack, and the process that runs its rounds.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The stack's name.
    pub(crate) name: String,
    /// The libraries that run, with their versions.
    pub(crate) version: String,
    program: Program,
    process: Option<Process>,
}

impl Stack {
    /// Runs one round, in a process that is started for it where there is none.
    ///
    /// # Errors
    /// Why the process ended; the next round has a new one.
    pub(crate) fn run(&mut self, request: &Request) -> Result<Answer, String> {
        let process = match &mut self.process {
            Some(process) => process,
            None => self.process.insert(self.program.start()?.0),
        };
        process.ask(request).map_err(|error| {
            let last_words = self.process.take().map(Process::last_words).unwrap_or_default();
            if last_words.is_empty() { error.to_string() } else { last_words }
        })
    }

    /// Ends the process, with all that it holds.
    pub(crate) fn end(&mut self) {
        self.process = None;
    }
}

/// What builds the worker that is no part of this program.
pub(crate) const BUILD: &str = "`benches/boring/build`";

/// What is started as a worker.
#[derive(Clone, Debug)]
struct Program {
    path: PathBuf,
    arguments: &'static [&'static str],
}

impl Program {
    fn start(&self) -> Result<(Process, Greeting), String> {
        let failed = |error: io::Error| format!("{}: {error}", self.path.display());
        let mut child = Command::new(&self.path)
            .args(self.arguments)
            // A panic's last line is then its message.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let (Some(input), Some(output), Some(errors)) = (input, output, child.stderr.take()) else {
            return Err(format!("{}: no pipes", self.path.display()));
        };
        // Read all the time: who writes into a full pipe waits.
        let errors = thread::spawn(move || last_line(errors));
        let mut process = Process { child, input, output, errors: Some(errors) };
        let greeting: Greeting = process.read().map_err(failed)?;
        if greeting.protocol != PROTOCOL {
            return Err(format!(
                "{}: it is not of these sources; {BUILD} builds it anew",
                self.path.display()
            ));
        }
        Ok((process, greeting))
    }
}

/// Every stack of this program and of the other workers, in their order. Each is told apart by its name.
///
/// # Errors
/// A worker that does not start or does not greet.
pub(crate) fn stacks(others: &[PathBuf]) -> Result<Vec<Stack>, String> {
    let this = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    let mut programs = vec![Program { path: this, arguments: &["worker"] }];
    programs.extend(others.iter().map(|path| Program { path: path.clone(), arguments: &[] }));
    let mut stacks: Vec<Stack> = Vec::new();
    for program in programs {
        let (_, greeting) = program.start()?;
        for (name, version) in greeting.stacks {
            if !stacks.iter().any(|stack| stack.name == name) {
                stacks.push(Stack { name, version, program: program.clone(), process: None });
            }
        }
    }
    Ok(stacks)
}

/// Where the worker for tokio-boring is, if it was built: `benches/boring` is a workspace of its own.
pub(crate) fn boring() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("boring/target/release/polytls-benches-boring");
    built.is_file().then_some(built)
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Gives the last line of standard error, once that is closed.
    errors: Option<JoinHandle<String>>,
}

impl Process {
    fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        serde_json::to_writer(&mut self.input, request)?;
        self.input.write_all(b"\n")?;
        self.input.flush()?;
        self.read()
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the worker ended"));
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// The last line that it wrote to standard error: a panic says there what it was.
    fn last_words(mut self) -> String {
        let _ = self.child.kill();
        self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default()
    }
}

/// Reads to the end, and gives the last line that says something by itself.
fn last_line(errors: impl Read) -> String {
    let mut last = String::new();
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if !line.is_empty() && !line.starts_with("note: ") {
            last = line.into_owned();
        }
    }
    last
}

impl Drop for Process {
    fn drop(&mut self) {
        // It holds nothing that is not given up with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use polytls_benches::{Scenario, Settings};

    use super::*;

    /// A worker that greets, and then runs this.
    fn stack(script: &str) -> Stack {
        let program = shell(&format!("echo '{{\"protocol\":{PROTOCOL},\"stacks\":{{}}}}'; {script}"));
        Stack { name: "shell".into(), version: String::new(), program, process: None }
    }

    fn shell(script: &str) -> Program {
        let script: &'static str = Box::leak(script.to_owned().into_boxed_str());
        Program { path: "/bin/sh".into(), arguments: Box::leak(Box::new(["-c", script])) }
    }

    fn request() -> Request {
        Request {
            scenario: Scenario::Memory { pairs: 1, servers: 1 },
            stack: "shell".into(),
            settings: Settings::default(),
            at_least_seconds: 0.0,
            anew: false,
        }
    }

    #[test]
    fn an_answer_is_read_and_the_process_goes_on() {
        let mut stack = stack("read a; echo '{\"refused\":\"one\"}'; read b; echo '{\"refused\":\"two\"}'");
        for expected in ["one", "two"] {
            assert_eq!(stack.run(&request()), Ok(Answer::Refused { refused: expected.into() }));
        }
    }

    #[test]
    fn a_worker_that_ends_says_why_and_is_started_again() {
        let mut stack = stack("read a; echo 'it broke' >&2");
        assert_eq!(stack.run(&request()), Err("it broke".to_owned()));
        assert_eq!(stack.run(&request()), Err("it broke".to_owned()));
    }

    #[test]
    fn a_worker_that_complains_much_is_not_kept_waiting() {
        let mut stack = stack(
            "read a; i=0; while [ $i -lt 3000 ]; do echo 'a line of more than thirty bytes' >&2; i=$((i+1)); done; \
             echo '{\"refused\":\"done\"}'; read b",
        );
        assert_eq!(stack.run(&request()), Ok(Answer::Refused { refused: "done".into() }));
    }

    #[test]
    fn a_worker_of_other_sources_is_refused_with_what_builds_it() {
        for greeting in ["{\"stacks\":{}}", "{\"protocol\":4000000000,\"stacks\":{}}"] {
            let error = shell(&format!("echo '{greeting}'; read a")).start().unwrap_err();
            assert!(error.contains("benches/boring/build"), "{error}");
        }
    }

    #[test]
    fn a_worker_that_is_not_there_is_named() {
        let error = stacks_of("/nonexistent/worker").unwrap_err();
        assert!(error.contains("/nonexistent/worker"), "{error}");
    }

    fn stacks_of(path: &str) -> Result<(), String> {
        Program { path: path.into(), arguments: &[] }.start().map(drop)
    }
}
