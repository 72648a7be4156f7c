//! The language of `expect`.
//!
//! ```text
//! header NAME starts with TEXT | contains TEXT | present | present and absolute
//! PATH == VALUE | PATH === VALUE | PATH >= NUMBER | PATH <= NUMBER | NUMBER <= PATH <= NUMBER
//! PATH length NUMBER | PATH length == PATH | PATH contains TEXT | PATH has no KEY
//! PATH present | absent | non-empty | kept | unchanged | equals the sent one | is a JSON boolean
//! USER gone | USER is a member | USER is not a member
//! then GET PATH -> STATUS: …
//! ```
//!
//! Several are joined by `;`, `,` or `and`; what stands in round brackets at
//! the end explains. Sentences of their own are in [`Phrase`].

use serde_json::Value;

use super::path::Path;
use super::phrase::Phrase;

/// One expectation, understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expectation {
    All(Vec<Self>),
    Header {
        name: String,
        test: HeaderTest,
    },
    Here {
        path: Path,
        test: Test,
    },
    Member {
        user: String,
        is: bool,
    },
    Phrase(Phrase),
    Then {
        target: String,
        status: u16,
        hold: Option<Box<Self>>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum HeaderTest {
    Absolute,
    Contains(String),
    Present,
    StartsWith(String),
}

/// What is to be true of what stands at a path. Texts may hold variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Absent,
    AsBefore,
    AsSent,
    AtLeast(f64),
    AtMost(f64),
    Boolean,
    Contains(String),
    Empty,
    Equals(Value),
    HasNo(String),
    Length(usize),
    LengthOf(Path),
    NonEmpty,
    Present,
    TextNotEmpty,
}

impl Expectation {
    /// Reads an expectation; `Err` says which text is not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Self::understand(text.trim()).ok_or_else(|| format!("nobody understands `{text}`"))
    }

    fn understand(text: &str) -> Option<Self> {
        let single = |text| {
            let phrase = Phrase::parse(text).map(Self::Phrase);
            phrase
                .or_else(|| then(text))
                .or_else(|| header(text))
                .or_else(|| member(text))
                .or_else(|| between(text))
                .or_else(|| here(text))
        };
        single(text)
            .or_else(|| Self::joined(text))
            .or_else(|| Self::understand(without_remark(text)?))
    }

    /// Parts that are all understood, at the coarsest joint there is.
    fn joined(text: &str) -> Option<Self> {
        if text.starts_with("then GET ") {
            return None;
        }
        let joints = ["; ", ", ", " and "].into_iter();
        joints
            .filter(|joint| text.contains(joint))
            .find_map(|joint| {
                let parts: Option<Vec<_>> = text.split(joint).map(Self::understand).collect();
                parts.map(Self::All)
            })
    }
}

fn without_remark(text: &str) -> Option<&str> {
    let (before, remark) = text.rsplit_once(" (")?;
    remark.ends_with(')').then_some(before)
}

fn then(text: &str) -> Option<Expectation> {
    let (target, outcome) = text.strip_prefix("then GET ")?.split_once(" -> ")?;
    let (status, hold) = match outcome.split_once(": ") {
        Some((status, hold)) => (status, Some(Box::new(Expectation::understand(hold)?))),
        None => (outcome, None),
    };
    let (target, status) = (target.to_owned(), status.parse().ok()?);
    Some(Expectation::Then {
        target,
        status,
        hold,
    })
}

fn header(text: &str) -> Option<Expectation> {
    let (name, test) = text.strip_prefix("header ")?.split_once(' ')?;
    let test = match test {
        "present" => HeaderTest::Present,
        "present and absolute" => HeaderTest::Absolute,
        _ => match (
            test.strip_prefix("starts with "),
            test.strip_prefix("contains "),
        ) {
            (Some(start), _) => HeaderTest::StartsWith(start.to_owned()),
            (_, Some(part)) => HeaderTest::Contains(part.to_owned()),
            _ => return None,
        },
    };
    Some(Expectation::Header {
        name: name.to_owned(),
        test,
    })
}

/// `{{u.id}} is a member`: the variable's name without the braces.
fn member(text: &str) -> Option<Expectation> {
    let (user, rest) = text.strip_prefix("{{")?.split_once("}}")?;
    let is = match rest {
        " is a member" | " still a member" => true,
        " gone" | " is not a member" => false,
        _ => return None,
    };
    Some(Expectation::Member {
        user: user.to_owned(),
        is,
    })
}

/// `NUMBER <= PATH <= NUMBER`.
fn between(text: &str) -> Option<Expectation> {
    let (least, rest) = text.split_once(" <= ")?;
    let (path, most) = rest.split_once(" <= ")?;
    let tests = [
        Test::AtLeast(least.parse().ok()?),
        Test::AtMost(most.parse().ok()?),
    ];
    let path = Path::parse(path)?;
    let here = |test| Expectation::Here {
        path: path.clone(),
        test,
    };
    Some(Expectation::All(tests.map(here).into()))
}

fn here(text: &str) -> Option<Expectation> {
    let (path, test) = compared(text).or_else(|| named(text))?;
    Some(Expectation::Here {
        path: Path::parse(path)?,
        test,
    })
}

/// `PATH OPERATOR VALUE`.
fn compared(text: &str) -> Option<(&str, Test)> {
    let number = |value: &str| value.parse::<f64>().ok();
    for operator in [
        " === ",
        " == ",
        " >= ",
        " <= ",
        " length == ",
        " length ",
        " contains ",
    ] {
        let Some((path, value)) = text.split_once(operator) else {
            continue;
        };
        if path.contains(' ') {
            continue;
        }
        let test = match operator {
            " === " | " == " if value == "[]" => Test::Empty,
            " === " | " == " => Test::Equals(typed(value)?),
            " >= " => Test::AtLeast(number(value)?),
            " <= " => Test::AtMost(number(value)?),
            " length == " => Test::LengthOf(Path::parse(value)?),
            " length " => Test::Length(value.parse().ok()?),
            _ => Test::Contains(literal(value)?),
        };
        return Some((path, test));
    }
    None
}

/// A quoted text, a variable or one bare word.
fn literal(value: &str) -> Option<String> {
    if let Some(inner) = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
    {
        return (!inner.contains('"')).then(|| inner.to_owned());
    }
    (!value.contains([' ', '"'])).then(|| value.to_owned())
}

/// A value with its JSON type: `1` and `true` are none of text.
fn typed(value: &str) -> Option<Value> {
    let parsed = serde_json::from_str::<Value>(value).ok();
    let parsed = parsed.filter(|value| !value.is_object() && !value.is_array());
    parsed.or_else(|| literal(value).map(Value::String))
}

/// `PATH WORDS`.
fn named(text: &str) -> Option<(&str, Test)> {
    if let Some(key) = text.strip_prefix("no key ") {
        return Some((key, Test::Absent));
    }
    let (path, words) = text.split_once(' ')?;
    let test = match words {
        "present" => Test::Present,
        "absent" => Test::Absent,
        "kept" | "unchanged" => Test::AsBefore,
        "non-empty" | "not empty" => Test::NonEmpty,
        "is non-empty string" => Test::TextNotEmpty,
        "equals the sent one" => Test::AsSent,
        "is a JSON boolean" => Test::Boolean,
        _ => {
            let key = words.strip_prefix("has no ")?;
            Test::HasNo(key.strip_prefix("key ").unwrap_or(key).to_owned())
        }
    };
    Some((path, test))
}
