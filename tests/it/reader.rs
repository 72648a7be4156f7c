//! A page of documentation, followed to the letter by a reader who does nothing else: each file is
//! written where the page says, each command is run, and what it prints is compared.
//!
//! The rules such a page keeps:
//!
//! - The line before a file's snippet names it and says `whole`, `added at the end`, `in place of`
//!   (the paragraph that begins with the words quoted), `in place of the line with` (those
//!   words), or `an excerpt`: then nothing is written, and each of its lines stands in the file.
//! - In what a command prints, `…` stands for anything, and in a line of its own for any number of
//!   lines. `scimgate serve` and `scimgate demo` stay; what they print first is compared.
//! - What a command under `console soon` prints may take a moment: it is run until it fits.
//! - The token of `TOKEN=scg_…` is the one that was printed last, and so is [`REQUEST`].
//! - The gateway's ports are its defaults. Here it gets others, by the environment, and each
//!   address on the page stands for the one of here; so do the words a test names.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use scimgate::demo::emulator::kit::free_port;

use crate::house::{House, text_of};

/// The request id on pages.
pub(crate) const REQUEST: &str = "6c7e2a52-36f2-4d1d-9a41-1c1ad2f0a9b7";

/// How long `soon` may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A fenced part of a page.
pub(crate) struct Snippet {
    /// Line of the opening fence, from 1.
    line: usize,
    language: String,
    /// The line of text before it.
    before: String,
    pub(crate) text: String,
}

/// All fenced parts of a page.
pub(crate) fn snippets(page: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut before = String::new();
    let mut lines = page.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```");
            found.push(Snippet {
                line: index + 1,
                language: language.to_owned(),
                before: std::mem::take(&mut before),
                text: text.map(|line| format!("{line}\n")).collect(),
            });
        } else {
            before = line.to_owned();
        }
    }
    found
}

/// The reader: a directory and a shell.
pub(crate) struct Reader {
    house: House,
    /// What stands on the page, and what it is here.
    words: Vec<(String, String)>,
    variables: Vec<(&'static str, String)>,
    stayed: Vec<Stayed>,
}

/// A command that stays, with its output, which it would miss.
struct Stayed {
    process: Child,
    _output: BufReader<ChildStdout>,
}

impl Drop for Stayed {
    fn drop(&mut self) {
        // It ends with the test, which may have failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reader {
    pub(crate) fn new() -> Self {
        let mut reader = Self {
            house: House::empty(),
            words: Vec::new(),
            variables: Vec::new(),
            stayed: Vec::new(),
        };
        for (port, variable) in [
            (8080, "SCIMGATE_SERVER__LISTEN"),
            (9090, "SCIMGATE_OPS__LISTEN"),
            (9091, "SCIMGATE_ADMIN__LISTEN"),
        ] {
            let address = format!("127.0.0.1:{}", free_port().unwrap());
            reader.means(&format!("127.0.0.1:{port}"), &address);
            reader.variables.push((variable, address));
        }
        reader
    }

    pub(crate) fn house(&self) -> &House {
        &self.house
    }

    /// Says what a word on the page is here.
    pub(crate) fn means(&mut self, on_page: &str, here: &str) {
        self.words.retain(|(word, _)| word != on_page);
        self.words.push((on_page.to_owned(), here.to_owned()));
    }

    /// Sets an environment variable for all commands.
    pub(crate) fn variable(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// Does all that the page says.
    pub(crate) fn follow(&mut self, page: &[Snippet]) {
        for snippet in page {
            match snippet.language.as_str() {
                "console" => self.type_in(snippet, Duration::ZERO),
                "console soon" => self.type_in(snippet, PATIENCE),
                _ => self.edit(snippet),
            }
        }
    }

    fn here(&self, text: &str) -> String {
        let words = self.words.iter();
        words.fold(text.to_owned(), |text, (there, here)| {
            text.replace(there, here)
        })
    }

    fn there(&self, text: &str) -> String {
        let words = self.words.iter();
        words.fold(text.to_owned(), |text, (there, here)| {
            text.replace(here, there)
        })
    }

    /// Writes a file as the line before it says.
    fn edit(&self, snippet: &Snippet) {
        let (file, how) = place(snippet);
        let path = self.house.path().join(file);
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let new = self.here(&snippet.text);
        if how == "an excerpt" {
            return excerpt(snippet, &old);
        }
        let text = match how.split_once('`') {
            None if how == "whole" => new,
            None if how == "added at the end" => format!("{old}\n{new}"),
            Some(("in place of ", words)) => {
                replaced(&old, "\n\n", |part| part.starts_with(unquoted(words)), &new)
            }
            Some(("in place of the line with ", words)) => {
                replaced(&old, "\n", |part| part.contains(unquoted(words)), &new)
            }
            _ => panic!("line {}: {how}", snippet.line),
        };
        self.house.write(file, &text);
    }

    /// Runs the commands and compares what each prints.
    fn type_in(&mut self, snippet: &Snippet, patience: Duration) {
        for command in snippet.text.split("$ ").skip(1) {
            let (command, expected) = command.split_once('\n').unwrap();
            let until = Instant::now() + patience;
            let mut printed = self.run(command, expected);
            while !fits(&printed, expected) && Instant::now() < until {
                std::thread::park_timeout(Duration::from_millis(50));
                printed = self.run(command, expected);
            }
            assert!(
                fits(&printed, expected),
                "line {}: $ {command}\nthe page says:\n{expected}\nit printed:\n{printed}",
                snippet.line
            );
        }
    }

    fn run(&mut self, command: &str, expected: &str) -> String {
        let is = |verb: &str| command.starts_with(&format!("scimgate {verb}"));
        if is("serve") || is("demo") {
            return self.stay(command, expected.lines().count());
        }
        // The reader copies the token from the lines above.
        if command.starts_with("TOKEN=") {
            return String::new();
        }
        let output = self.shell(command).output().unwrap();
        let printed = text_of(&output.stdout) + text_of(&output.stderr).as_str();
        if let Some((_, token)) = printed.split_once("Secret Token: ") {
            let token = token.split_whitespace().next().unwrap_or_default();
            self.variable("TOKEN", token);
        }
        if let Some(id) = last_id(&printed).filter(|_| expected.contains(REQUEST)) {
            self.means(REQUEST, id);
        }
        self.there(&printed)
    }

    /// Starts what stays, and gives the first lines it prints.
    fn stay(&mut self, command: &str, lines: usize) -> String {
        let mut shell = self.shell(&format!("exec {command}"));
        let shell = shell.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = shell.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut printed = String::new();
        for _ in 0..lines {
            output.read_line(&mut printed).unwrap();
        }
        self.stayed.push(Stayed {
            process,
            _output: output,
        });
        self.there(&printed)
    }

    fn shell(&self, command: &str) -> Command {
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_scimgate"));
        let bin = bin.parent().unwrap().display();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &self.here(command)])
            .current_dir(self.house.path())
            .env_clear()
            .env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        shell
    }
}

/// File and manner out of `` `adapters/desk.toml`, added at the end: ``.
fn place(snippet: &Snippet) -> (&str, &str) {
    let said = snippet.before.strip_prefix('`');
    let said = said.and_then(|said| said.strip_suffix(':'));
    let said = said.and_then(|said| said.split_once("`, "));
    said.unwrap_or_else(|| panic!("line {}: which file is this?", snippet.line))
}

/// Each line is one of the file's, however it is aligned there.
fn excerpt(snippet: &Snippet, file: &str) {
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = file.lines().map(plain).collect();
    for line in snippet.text.lines().map(plain) {
        assert!(lines.contains(&line), "line {}: {line}", snippet.line);
    }
}

fn unquoted(words: &str) -> &str {
    words.trim_matches('`')
}

/// `text` with `new` in the place of its one part that is meant.
fn replaced(text: &str, between: &str, meant: impl Fn(&str) -> bool, new: &str) -> String {
    let parts: Vec<&str> = text.split(between).collect();
    let found = parts.iter().filter(|part| meant(part)).count();
    assert_eq!(found, 1, "in place of which?\n{text}");
    let parts = parts.iter().map(|part| match meant(part) {
        true => new.trim_end(),
        false => part,
    });
    format!("{}\n", parts.collect::<Vec<_>>().join(between).trim_end())
}

/// The last word of the form that request ids have.
fn last_id(text: &str) -> Option<&str> {
    let is_id = |word: &&str| {
        word.len() == REQUEST.len()
            && word.chars().zip(REQUEST.chars()).all(|(one, other)| {
                one.is_ascii_hexdigit() && other != '-' || one == '-' && other == '-'
            })
    };
    text.split_whitespace().rfind(is_id)
}

/// Whether `text` is what `pattern` says, where `…` is anything, and in a line of its own any
/// number of lines.
fn fits(text: &str, pattern: &str) -> bool {
    let pattern = format!("\n{pattern}").replace("\n…\n", "\n…");
    let text = format!("\n{text}");
    let Some((first, last)) = pattern.split_once('…') else {
        return text == pattern;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = last.rsplit_once('…').unwrap_or(("", last));
    for part in middle.split('…') {
        match rest.split_once(part) {
            Some((_, behind)) if !part.is_empty() => rest = behind,
            Some(_) => {}
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    for (text, pattern, fit) in [
        ("a\n", "a\n", true),
        ("a\nb\n", "a\n", false),
        ("a\nb\n", "a\n…\n", true),
        ("a\n", "a\n…\n", true),
        ("a\nb\nc\n", "…\nb\nc\n", true),
        ("scg_12\n", "scg_…\n", true),
        ("{\"a\":1,\"b\":2}\n", "{…\"b\":2}\n", true),
        ("{\"a\":1}\n", "{…\"b\":2}\n", false),
    ] {
        assert_eq!(fits(text, pattern), fit, "{text:?} {pattern:?}");
    }
}

#[test]
fn one_part_of_a_file_is_replaced_and_no_other() {
    let table = "a\n\nb 1\nb 2\n\nc\n";
    let paragraph = replaced(table, "\n\n", |part| part.starts_with("b"), "d\n");
    assert_eq!(paragraph, "a\n\nd\n\nc\n");
    let line = replaced(table, "\n", |part| part.contains("2"), "d\n");
    assert_eq!(line, "a\n\nb 1\nd\n\nc\n");
}

#[test]
fn a_request_id_is_known_by_its_form() {
    let printed = format!("request\nx {REQUEST}  not-one-of-them-at-all-but-36-letters\n");
    assert_eq!(last_id(&printed), Some(REQUEST));
    assert_eq!(last_id("request"), None);
}
