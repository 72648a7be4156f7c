//! One source of values, and how the sources become one [`Config`].

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, error::Kind};

use super::place::placed;
use super::{Config, REFERENCE};
use crate::problem::file::why;
use crate::problem::wording::{must_be, one_of, plain};
use crate::problem::{Problem, nearest, version};

const PREFIX: &str = "SCIMGATE_";

/// Variables with our prefix that the command line reads itself.
/// `version` is a file's own, and a variable of that name means the program's elsewhere.
const COMMAND_LINE: [&str; 5] = ["ADMIN", "ADMIN_TOKEN", "CONFIG", "PROBE_TOKEN", "VERSION"];

/// Every key there is, with its default or an example: the reference with the
/// keys without a default switched on.
pub(super) static KNOWN: LazyLock<Dict> = LazyLock::new(|| {
    let switched_on: String = REFERENCE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(example) if example.starts_with(|c: char| c == '[' || c.is_alphabetic()) => {
                example
            }
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    toml::from_str(&switched_on).unwrap_or_default()
});

/// Values from one place.
pub(super) struct Layer {
    origin: String,
    /// As written, for places; empty if it is no file.
    text: String,
    values: Dict,
}

impl Layer {
    /// `config.default.toml`.
    pub(super) fn defaults() -> Self {
        Self {
            origin: "config.default.toml".into(),
            text: String::new(),
            values: toml::from_str(REFERENCE).unwrap_or_default(),
        }
    }

    /// A `.toml` or `.json` file.
    pub(super) fn file(path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let origin = path.display().to_string();
        match read(path) {
            Ok((text, values)) => Some(Self {
                origin,
                text,
                values,
            }),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// One environment variable; `None` for those that are not ours, and for unknown ones.
    pub(super) fn variable(name: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        if COMMAND_LINE.contains(&rest) || is_service_link(rest) {
            return None;
        }
        let origin = format!("environment variable {name}");
        let key = rest.to_ascii_lowercase().replace("__", ".");
        let Some(known) = find(&KNOWN, &key).filter(|known| known.as_dict().is_none()) else {
            problems.push(unknown_variable(&key, &origin));
            return None;
        };
        // A path or filter that looks like a number is still a text.
        let value = match known {
            Value::String(..) => Value::from(text),
            _ => text.parse().unwrap_or_else(|_| Value::from(text)),
        };
        let values = figment::util::nest(&key, value).into_dict()?;
        Some(Self {
            origin,
            text: String::new(),
            values,
        })
    }

    /// Takes out keys that do not exist.
    pub(super) fn drop_unknown(&mut self, problems: &mut Vec<Problem>) {
        let (origin, text) = (&self.origin, &self.text);
        retain_known(&mut self.values, &KNOWN, "", &mut |key| {
            let remedy = match meant_key(&key) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "remove it; config.default.toml lists every key".into(),
            };
            let message = format!("there is no key {key}");
            let problem = Problem::error("config::unknown-key", origin, message).help(remedy);
            problems.push(placed(text, problem, &key));
        });
    }
}

impl Layer {
    /// Where its values come from, in words.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys it has a value for, as dotted paths.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        leaves(&self.values)
    }

    /// The value it has for a key.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        find(&self.values, key)
    }

    /// A problem at the place of its key.
    fn placed(&self, problem: Problem, key: &str) -> Problem {
        placed(&self.text, problem, key)
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// Merges the layers, later ones on top. A value that does not fit is
/// reported and taken out, so that the next one is found as well.
pub(super) fn extract(mut layers: Vec<Layer>, problems: &mut Vec<Problem>) -> Option<Config> {
    loop {
        let merged = layers.iter().fold(Figment::new(), Figment::merge);
        let error = match merged.extract() {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let layer = take_last(&mut layers, &error.path);
        let found = layer.is_some();
        problems.push(misfit(error, layer));
        if !found {
            return None;
        }
    }
}

/// Takes the value at `path`, or what encloses it, out of the last layer that
/// has one; which layer that was. The first layer, the defaults, stays whole.
fn take_last<'a>(layers: &'a mut [Layer], path: &[String]) -> Option<&'a Layer> {
    let index = (1..=path.len()).rev().find_map(|length| {
        let enclosing = path.get(..length)?;
        let upper = layers.iter_mut().enumerate().skip(1).rev();
        let mut taken = upper.map(|(index, layer)| (index, take(&mut layer.values, enclosing)));
        taken.find_map(|(index, taken)| taken.then_some(index))
    });
    layers.get(index?)
}

/// A file's text and values.
fn read(path: &Path) -> Result<(String, Dict), Problem> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {}", why(path, &error));
        Problem::error("config::unreadable", &file, message).help("name a readable file with -c")
    })?;
    let wrong = |message: String| {
        Problem::error("config::syntax", &file, message)
            .help("write it as in `scimgate config default`: texts in quotes, one key in each line")
    };
    let values = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => toml::from_str(&text).map_err(|error| {
            let problem = wrong(plain(&text, &error));
            match error.span() {
                Some(span) => problem.at(span.start, span.len()),
                None => problem,
            }
        })?,
        Some("json") => serde_json::from_str(&text)
            .map_err(|error| wrong(format!("not valid JSON: {error}")))?,
        _ => {
            let message = "a configuration file must end in .toml or .json";
            return Err(Problem::error("config::syntax", &file, message).help("rename it"));
        }
    };
    let version = find(&values, "version").and_then(Value::to_i128);
    let version = version.and_then(|version| version.try_into().ok());
    match version.and_then(|version| version::of(&file, version)) {
        Some(newer) => Err(placed(&text, newer, "version")),
        None => Ok((text, values)),
    }
}

/// Kubernetes sets `SCIMGATE_SERVICE_HOST`, `SCIMGATE_PORT_8080_TCP` and more
/// in every pod beside a service called `scimgate`.
fn is_service_link(rest: &str) -> bool {
    let in_words = |word| rest.split('_').any(|part| part == word);
    !rest.contains("__") && (in_words("PORT") || rest.ends_with("SERVICE_HOST"))
}

fn unknown_variable(key: &str, origin: &str) -> Problem {
    let remedy = match meant_key(key) {
        Some(meant) => format!("did you mean {}?", variable_of(&meant)),
        None => "unset it; a variable is named SCIMGATE_SECTION__KEY".into(),
    };
    let message = "no configuration key has this name";
    Problem::error("config::unknown-variable", origin, message).help(remedy)
}

fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

fn misfit(error: figment::Error, layer: Option<&Layer>) -> Problem {
    let mut key = error.path.join(".");
    let mut code = "config::unfit-value";
    let message = match error.kind {
        Kind::MissingField(field) => {
            key = join(&key, &field);
            code = "config::missing-key";
            format!("{key} is missing")
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            must_be(&key, &found.to_string(), &expected)
        }
        Kind::UnknownVariant(found, expected) => {
            format!("{key} must be {}, not {found}", one_of(expected))
        }
        kind => format!("{key} {kind}"),
    };
    let origin = layer.map_or("", |layer| layer.origin.as_str());
    let problem = Problem::error(code, origin, message).help(example(&key));
    match layer {
        Some(layer) => layer.placed(problem, &key),
        None => problem,
    }
}

fn example(key: &str) -> String {
    let known = find(&KNOWN, key);
    match known.map(|known| (known, known.to_i128())) {
        Some((Value::Dict(..), _)) => format!("write a section [{key}]"),
        Some((Value::String(_, text), _)) => format!("for example {text:?}"),
        Some((_, Some(number))) => format!("for example {number}"),
        _ => "see config.default.toml".into(),
    }
}

fn retain_known(values: &mut Dict, known: &Dict, above: &str, report: &mut impl FnMut(String)) {
    values.retain(|name, value| {
        let key = join(above, name);
        match (known.get(name), value) {
            (None, _) => report(key),
            (Some(Value::Dict(_, known)), Value::Dict(_, inner)) => {
                retain_known(inner, known, &key, report);
                return true;
            }
            _ => return true,
        }
        false
    });
}

/// The same name in another section, or else the most similar key.
fn meant_key(key: &str) -> Option<String> {
    let name = |key: &str| key.rsplit('.').next().map(str::to_owned);
    let keys: Vec<String> = leaves(&KNOWN).collect();
    let moved = keys.iter().find(|known| name(known) == name(key));
    let alike = || {
        let meant = nearest(key, keys.iter().map(String::as_str))?;
        // That both are of one section makes no two names alike.
        let is_alike = match (key.rsplit_once('.'), meant.rsplit_once('.')) {
            (Some((one, wrong)), Some((other, right))) if one == other => {
                nearest(wrong, [right]).is_some()
            }
            _ => true,
        };
        is_alike.then(|| meant.to_owned())
    };
    moved.cloned().or_else(alike)
}

/// All keys with a value, as dotted paths.
pub(super) fn leaves(known: &Dict) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    collect(known, "", &mut found);
    found.into_iter()
}

fn collect(known: &Dict, above: &str, found: &mut Vec<String>) {
    for (name, value) in known {
        let key = join(above, name);
        match value {
            Value::Dict(_, inner) => collect(inner, &key, found),
            _ => found.push(key),
        }
    }
}

fn join(above: &str, name: &str) -> String {
    match above {
        "" => name.into(),
        _ => format!("{above}.{name}"),
    }
}

pub(super) fn find<'a>(values: &'a Dict, key: &str) -> Option<&'a Value> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let value = values.get(first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        find(value.as_dict()?, rest)
    }
}

/// Removes what lies at `path`; whether there was something.
fn take(values: &mut Dict, path: &[String]) -> bool {
    match path {
        [] => false,
        [last] => values.remove(last).is_some(),
        [first, rest @ ..] => match values.get_mut(first) {
            Some(Value::Dict(_, inner)) => take(inner, rest),
            _ => false,
        },
    }
}
