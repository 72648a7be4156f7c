//! `adapters/add-a-vendor.md`, followed to the letter by a reader who does nothing else: each file
//! is written where it says, each command is run, and what it prints is compared.
//!
//! The page's own rules: the line before a file's snippet names it and says `whole`, `added at the
//! end` or `in place of` (the paragraph that begins with the words quoted). In what a command
//! prints, `…` stands for anything.

mod desk;

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use crate::house::{House, text_of};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/add-a-vendor.md");
const KEY: &str = "desk-key";

/// A fenced part of the page.
struct Snippet {
    /// Line of the opening fence, from 1.
    line: usize,
    language: String,
    /// The line of text before it.
    before: String,
    text: String,
}

#[test]
fn whoever_follows_the_guide_gets_where_it_says() {
    let mut reader = Reader::new();
    let snippets = snippets(&std::fs::read_to_string(GUIDE).unwrap());
    assert!(snippets.len() > 20, "{} snippets", snippets.len());
    for snippet in &snippets {
        match snippet.language.as_str() {
            "console" => reader.type_in(snippet),
            _ => reader.edit(snippet),
        }
    }
}

fn snippets(page: &str) -> Vec<Snippet> {
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

/// The reader: a directory, a shell, and a product called Desk.
struct Reader {
    house: House,
    gateway: SocketAddr,
    desk: SocketAddr,
    token: String,
    served: Option<Served>,
}

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It ends with the test, which may have failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Reader {
    fn new() -> Self {
        let house = House::empty();
        house.write("desk-key", KEY);
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            house,
            gateway: free.local_addr().unwrap(),
            desk: desk::start(KEY),
            token: String::new(),
            served: None,
        }
    }

    /// What is written on the page, for the addresses and files of here.
    fn here(&self, text: &str) -> String {
        let key = self.house.path().join("desk-key").display().to_string();
        let text = text.replace("127.0.0.1:8080", &self.gateway.to_string());
        let text = text.replace("https://desk.example", &format!("http://{}", self.desk));
        text.replace("/run/secrets/acme-desk-key", &key)
    }

    /// What was printed here, as the page has it.
    fn there(&self, text: &str) -> String {
        text.replace(&self.gateway.to_string(), "127.0.0.1:8080")
    }

    /// Writes a file as the line before it says.
    fn edit(&self, snippet: &Snippet) {
        let (file, how) = place(snippet);
        let path = self.house.path().join(file);
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let new = self.here(&snippet.text);
        let text = match how.split_once('`') {
            None if how == "whole" => new,
            None if how == "added at the end" => format!("{old}\n{new}"),
            Some(("in place of ", words)) => {
                let words = words.trim_end_matches('`');
                let parts: Vec<&str> = old.split("\n\n").collect();
                let matching = parts.iter().filter(|part| part.starts_with(words)).count();
                assert_eq!(matching, 1, "line {}: {words} in {file}", snippet.line);
                let parts = parts.iter().map(|part| {
                    if part.starts_with(words) {
                        new.trim_end()
                    } else {
                        part
                    }
                });
                format!("{}\n", parts.collect::<Vec<_>>().join("\n\n").trim_end())
            }
            _ => panic!("line {}: {how}", snippet.line),
        };
        self.house.write(file, &text);
    }

    /// Runs the commands and compares what each prints.
    fn type_in(&mut self, snippet: &Snippet) {
        for command in snippet.text.split("$ ").skip(1) {
            let (command, expected) = command.split_once('\n').unwrap();
            let printed = self.run(command);
            assert!(
                fits(&printed, expected),
                "line {}: $ {command}\nthe page says:\n{expected}\nit printed:\n{printed}",
                snippet.line
            );
        }
    }

    fn run(&mut self, command: &str) -> String {
        if command == "scimgate serve" {
            return self.serve();
        }
        // The reader copies the token from the lines above.
        if command.starts_with("TOKEN=") {
            return String::new();
        }
        let output = self.shell(&self.here(command)).output().unwrap();
        let printed = text_of(&output.stdout) + text_of(&output.stderr).as_str();
        if let Some((_, token)) = printed.split_once("Secret Token: ") {
            token.trim().clone_into(&mut self.token);
        }
        self.there(&printed)
    }

    /// Starts the gateway and gives the first line it prints.
    fn serve(&mut self) -> String {
        let mut process = self
            .house
            .command(&["serve"])
            .env("SCIMGATE_SERVER__LISTEN", self.gateway.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        self.served = Some(Served(process));
        self.there(&line)
    }

    fn shell(&self, command: &str) -> Command {
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_scimgate"));
        let bin = bin.parent().unwrap().display();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(self.house.path())
            .env_clear()
            .env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"))
            .env("SCIMGATE_SERVER__LISTEN", self.gateway.to_string())
            .env("TOKEN", &self.token);
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
