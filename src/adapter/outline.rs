//! A script as its reader sees it: constants, functions and table rows, each
//! with its text. It is for showing how two versions differ, so comments and
//! line breaks do not count, and a row keeps the words its author chose.

use std::collections::BTreeMap;

use crate::script::pieces::{Piece, pieces};

/// The parts of one script, each as text in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Value by name.
    pub constants: BTreeMap<String, String>,
    /// By name.
    pub functions: BTreeMap<String, Function>,
}

/// One function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// All of it but its rows.
    pub text: String,
    /// The rows it makes: the attribute as written, and `attr(…)` with all its methods.
    pub rows: Vec<(String, String)>,
}

impl Outline {
    /// Takes a script apart that is known to parse. Of any other text the
    /// result says nothing sensible, but there is one.
    pub fn of(text: &str) -> Self {
        let mut outline = Self::default();
        let pieces = pieces(text);
        for part in split(&pieces) {
            let words: Vec<&str> = part.iter().take(3).map(|piece| piece.text).collect();
            match words.as_slice() {
                ["const", name, "="] => {
                    let value = line(part.get(3..).unwrap_or_default());
                    let value = value.trim_end_matches(';').to_owned();
                    outline.constants.insert((*name).to_owned(), value);
                }
                ["fn", name, ..] => {
                    let function = Function::of(part);
                    outline.functions.insert((*name).to_owned(), function);
                }
                _ => {}
            }
        }
        outline
    }
}

impl Function {
    fn of(pieces: &[Piece<'_>]) -> Self {
        let (mut rest, mut rows, mut at) = (Vec::new(), Vec::new(), 0);
        while let Some(piece) = pieces.get(at) {
            let row = pieces.get(at..).unwrap_or_default();
            let texts: Vec<&str> = row.iter().take(3).map(|piece| piece.text).collect();
            if let ["attr", "(", name] = texts.as_slice() {
                let length = expression(row);
                let attribute = name.trim_matches(['"', '`']).to_owned();
                rows.push((attribute, line(row.get(..length).unwrap_or_default())));
                at += length;
            } else {
                rest.push(*piece);
                at += 1;
            }
        }
        Self {
            text: line(&rest),
            rows,
        }
    }
}

/// The number of pieces up to the `,`, `;` or bracket that ends an expression.
fn expression(pieces: &[Piece<'_>]) -> usize {
    let mut depth = 0;
    let ends = |piece: &Piece<'_>| {
        depth += nesting(piece);
        depth < 0 || depth == 0 && matches!(piece.text, "," | ";")
    };
    pieces.iter().position(ends).unwrap_or(pieces.len()).max(1)
}

/// The parts that begin with `fn` or `const` outside all brackets.
fn split<'p, 't>(pieces: &'p [Piece<'t>]) -> Vec<&'p [Piece<'t>]> {
    let mut depth = 0;
    let mut starts = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if depth == 0 && matches!(piece.text, "fn" | "const") {
            starts.push(at);
        }
        depth += nesting(piece);
    }
    let ends = starts.iter().skip(1).copied().chain([pieces.len()]);
    let parts = starts.iter().zip(ends);
    parts
        .filter_map(|(start, end)| pieces.get(*start..end))
        .collect()
}

fn nesting(piece: &Piece<'_>) -> i32 {
    match piece.text {
        "(" | "[" | "{" | "#{" => 1,
        ")" | "]" | "}" => -1,
        _ => 0,
    }
}

/// Pieces in one line, spaced as they were but for line breaks and alignment.
fn line(pieces: &[Piece<'_>]) -> String {
    let mut text = String::new();
    for piece in pieces {
        let tight = matches!(piece.text, ")" | "]" | "," | ";" | ".") || text.ends_with(['(', '[']);
        if piece.spaced && !tight && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(piece.text);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"
// A comment with fn and attr("x").
const E = "urn:x"; const LIST = ["a", "b"];

fn user_attributes() {
    let work = `addresses[type eq "work"]`;
    [
        attr("userName",             "login").required(),   // the login
        attr(`${work}.country`,      "c")
            .values(#{ "a": "1", "b": "]" }),
        attr(`${global::E}:costCenter`, ["x", "y"]).to(|v| v.split(", ")),
    ]
}
fn get_user(id) { /* fn nothing() {} */ get(`/users/${part(id, "}")}`) }
"#;

    #[test]
    fn a_script_is_taken_apart_into_what_people_see() {
        let outline = Outline::of(SCRIPT);
        let constants: Vec<_> = outline.constants.into_iter().collect();
        let constant = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            constants,
            [
                constant("E", "\"urn:x\""),
                constant("LIST", r#"["a", "b"]"#)
            ]
        );
        let table = &outline.functions["user_attributes"];
        let rows: Vec<_> = table
            .rows
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("userName", r#"attr("userName", "login").required()"#),
                (
                    "${work}.country",
                    r#"attr(`${work}.country`, "c").values(#{ "a": "1", "b": "]" })"#
                ),
                (
                    "${global::E}:costCenter",
                    r#"attr(`${global::E}:costCenter`, ["x", "y"]).to(|v| v.split(", "))"#
                ),
            ]
        );
        assert_eq!(
            outline.functions["get_user"].text,
            r#"fn get_user(id) { get(`/users/${part(id, "}")}`) }"#
        );
    }

    #[test]
    fn comments_and_line_breaks_are_no_difference() {
        let other = SCRIPT
            .replace("   // the login", "")
            .replace('\n', "\r\n\t");
        let other = other.replace("// A comment with fn and attr(\"x\").", "");
        assert_eq!(Outline::of(&other), Outline::of(SCRIPT));
        let changed = SCRIPT.replace("\"]\"", "\"] \"");
        assert_ne!(Outline::of(&changed), Outline::of(SCRIPT));
    }

    #[test]
    fn the_shipped_scripts_are_taken_apart_wholly() {
        for entry in std::fs::read_dir("scripts").unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "rhai") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let outline = Outline::of(&text);
            let functions = text.lines().filter(|line| line.starts_with("fn "));
            assert_eq!(
                outline.functions.len(),
                functions.count(),
                "{}",
                path.display()
            );
            let rows = outline
                .functions
                .values()
                .map(|function| function.rows.len());
            assert_eq!(
                rows.sum::<usize>(),
                text.matches("attr(").count(),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn any_text_comes_to_an_end() {
        for text in [
            "",
            "\"",
            "`${",
            "`${\"",
            "/*",
            "fn",
            "const",
            "attr(",
            "fn f() { attr(",
            "é\\",
            "'\\",
        ] {
            let _ = Outline::of(text);
            let _ = Outline::of(&format!("fn f() {{ {text}"));
        }
    }
}
