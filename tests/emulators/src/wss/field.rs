//! A user's fields and what they take.

use super::refusal::Failed;
use serde_json::{Map, Value};

/// All but the key and the manager, which is looked at against the account.
const FIELDS: [(&str, Form); 15] = [
    ("loginName", Form::Text(254)),
    ("externalRef", Form::Text(254)),
    ("state", Form::OneOf(&["ENABLED", "SUSPENDED", "EXPIRED"])),
    ("displayName", Form::Text(128)),
    ("firstName", Form::Text(128)),
    ("lastName", Form::Text(128)),
    ("fullName", Form::Text(256)),
    ("email", Form::Email),
    ("lang", Form::TwoLetters),
    ("street", Form::Line),
    ("city", Form::Text(128)),
    ("countryCode", Form::TwoLetters),
    ("jobTitle", Form::Text(256)),
    ("phone", Form::Phone),
    ("department", Form::Text(256)),
];

/// What a text must be like.
#[derive(Clone, Copy)]
enum Form {
    /// At most so many letters.
    Text(usize),
    OneOf(&'static [&'static str]),
    /// Its domain in lower case.
    Email,
    /// Upper case.
    TwoLetters,
    /// Without line breaks.
    Line,
    /// `+`, digits, and `x` before an extension.
    Phone,
}

/// Merges `said` into `held`; null clears. The manager is left alone.
pub(super) fn merge(
    held: &mut Map<String, Value>,
    said: &Map<String, Value>,
) -> Result<(), Failed> {
    for (name, value) in said.iter().filter(|(name, _)| *name != "managerLogin") {
        let known = FIELDS.iter().find(|(known, _)| known == name);
        let (name, form) = known.ok_or_else(|| Failed::unknown_field(name))?;
        match value {
            Value::Null => drop(held.remove(*name)),
            Value::String(text) if form.fits(text) => {
                held.insert((*name).to_owned(), text.as_str().into());
            }
            _ => return Err(Failed::invalid(name, form.reason())),
        }
    }
    match held.get("loginName").and_then(Value::as_str) {
        Some(login) if !login.is_empty() => Ok(()),
        _ => Err(Failed::invalid("loginName", "must be given")),
    }
}

impl Form {
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Text(most) => text.chars().count() <= most,
            Self::OneOf(words) => words.contains(&text),
            Self::Email => text
                .split_once('@')
                .is_some_and(|(_, domain)| !domain.is_empty() && domain == domain.to_lowercase()),
            Self::TwoLetters => text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Self::Line => !text.contains(['\n', '\r']),
            Self::Phone => {
                let mut letters = text.chars();
                !text.is_empty() && letters.all(|c| c.is_ascii_digit() || c == '+' || c == 'x')
            }
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Text(_) => "too long or no text",
            Self::OneOf(_) => "not one of its values",
            Self::Email => "no e-mail address",
            Self::TwoLetters => "two upper-case letters",
            Self::Line => "one line",
            Self::Phone => "digits only",
        }
    }
}

/// What looks like a network address is taken for one, whoever has it as login name.
pub(super) fn is_dotted_numeric(login: &str) -> bool {
    login.contains('.') && login.chars().all(|c| c.is_ascii_digit() || c == '.')
}
