//! Words, quoted values and brackets of a filter.

use super::{Fault, MAX_LENGTH};
use crate::scim::Profile;

/// One token and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) lexeme: Lexeme<'t>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lexeme<'t> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// Name, operator, number or bare value; kept as written.
    Word(&'t str),
    /// Quoted value, unescaped.
    Text(String),
    End,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    profile: Profile,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, profile: Profile) -> Result<Self, Fault> {
        if text.len() > MAX_LENGTH {
            return Err(Fault::syntax(
                MAX_LENGTH,
                format!("longer than {MAX_LENGTH} bytes"),
            ));
        }
        match text.find('\0') {
            Some(at) => Err(Fault::syntax(at, "the character U+0000 is not allowed")),
            None => Ok(Self {
                text,
                at: 0,
                profile,
            }),
        }
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>, Fault> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let at = self.at;
        let lexeme = match self.rest().chars().next() {
            None => Lexeme::End,
            Some('"') => Lexeme::Text(self.quoted()?),
            Some('(') => self.symbol(Lexeme::Open),
            Some(')') => self.symbol(Lexeme::Close),
            Some('[') => self.symbol(Lexeme::OpenBracket),
            Some(']') => self.symbol(Lexeme::CloseBracket),
            Some(_) => Lexeme::Word(self.word()),
        };
        Ok(Token { at, lexeme })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn symbol(&mut self, lexeme: Lexeme<'t>) -> Lexeme<'t> {
        self.at += 1;
        lexeme
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// A value in quotes; the position is on the opening one.
    fn quoted(&mut self) -> Result<String, Fault> {
        let rest = self.rest();
        let plain = self.profile.leaves_filter_values_unescaped();
        let close = match plain {
            true => unescaped_end(rest),
            false => escaped_end(rest),
        };
        let close = close.ok_or_else(|| Fault::syntax(self.at, "the quoted value has no end"))?;
        let value = match plain {
            true => rest.get(1..close).unwrap_or_default().to_owned(),
            false => self.unescape(rest, close)?,
        };
        self.at += close + 1;
        Ok(value)
    }

    fn unescape(&self, rest: &str, close: usize) -> Result<String, Fault> {
        let literal = rest.get(..=close).unwrap_or_default();
        let value: String = serde_json::from_str(literal)
            .map_err(|_| Fault::syntax(self.at, "the quoted value is not a JSON string"))?;
        match value.contains('\0') {
            true => Err(Fault::syntax(
                self.at,
                "the character U+0000 is not allowed",
            )),
            false => Ok(value),
        }
    }
}

/// Position of the first closing quote that no backslash escapes.
fn escaped_end(rest: &str) -> Option<usize> {
    let mut escaped = false;
    let mut bytes = rest.bytes().enumerate().skip(1);
    bytes.find_map(|(at, byte)| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends.then_some(at)
    })
}

/// Position of the first quote after which a filter can go on or end. Entra's composer leaves
/// `"` and `\` inside a value as they are (Microsoft's reference code, Filter.cs).
fn unescaped_end(rest: &str) -> Option<usize> {
    let quotes = rest.match_indices('"').map(|(at, _)| at).skip(1);
    let mut ends = quotes.filter(|at| can_follow_value(rest.get(at + 1..).unwrap_or_default()));
    ends.next()
}

fn can_follow_value(rest: &str) -> bool {
    let trimmed = rest.trim_start();
    if trimmed.is_empty() || trimmed.starts_with([')', ']']) {
        return true;
    }
    let mut words = trimmed.split(|c: char| c.is_whitespace() || c == '(');
    let word = words.next().unwrap_or_default();
    trimmed.len() < rest.len()
        && words.next().is_some()
        && (word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or"))
}
