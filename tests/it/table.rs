//! The tables of `tests/data`: named resources, and sections of rows `left ⇒ right`. The form
//! is described at the head of each file; `filter_table` and `patch_table` give it meaning.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use scimgate::scim::schema::{ENTERPRISE_USER, Extension, Schema};
use scimgate::scim::{Profile, ResourceKind, ResourceType};
use serde_json::Value;

/// URN of the extension that has an attribute of every type: `tests/data/kit.json`.
pub(crate) const KIT: &str = "urn:example:params:scim:schemas:extension:kit:2.0:User";

/// A file of rows.
pub(crate) struct Table {
    /// Resources by name, in the order of the file.
    pub(crate) resources: Vec<(String, ResourceKind, Value)>,
    pub(crate) rows: Vec<Row>,
}

/// One claim, and where it stands.
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) section: Section,
    /// What stands before the arrow, repetitions written out.
    pub(crate) left: String,
    pub(crate) right: String,
}

/// What the heading above a row says.
#[derive(Clone, Default)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) kind: Option<ResourceKind>,
    /// Whether doing it again must change nothing.
    pub(crate) twice: bool,
}

impl Section {
    /// `## Title · strict okta · Group · twice · R155`
    fn parse(heading: &str) -> Self {
        let mut parts = heading.split(" · ");
        let title = parts.next().unwrap().to_owned();
        let words: Vec<&str> = parts.flat_map(str::split_whitespace).collect();
        let known = [
            ("entra", Profile::Entra),
            ("okta", Profile::Okta),
            ("strict", Profile::Strict),
        ];
        let named = known.iter().filter(|(name, _)| words.contains(name));
        Self {
            title,
            profiles: named.map(|(_, profile)| *profile).collect(),
            kind: Some(match words.contains(&"Group") {
                true => ResourceKind::Group,
                false => ResourceKind::User,
            }),
            twice: words.contains(&"twice"),
        }
    }
}

impl Table {
    pub(crate) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name);
        let text = std::fs::read_to_string(path).unwrap();
        let mut table = Self {
            resources: Vec::new(),
            rows: Vec::new(),
        };
        let mut section = Section::default();
        for (line, block) in blocks(&text) {
            if let Some(heading) = block.strip_prefix("## ") {
                section = Section::parse(heading);
                assert!(!section.profiles.is_empty(), "{name}:{line}: no profile");
            } else if let Some((kind, rest)) = resource_kind(&block) {
                let (resource, json) = rest.split_once(" = ").unwrap();
                table
                    .resources
                    .push((resource.to_owned(), kind, json_of(json)));
            } else {
                let claim = block.split("  -- ").next().unwrap();
                let (left, right) = claim
                    .split_once('⇒')
                    .unwrap_or_else(|| panic!("{name}:{line}: no arrow"));
                table.rows.push(Row {
                    line,
                    section: section.clone(),
                    left: written_out(left.trim()),
                    right: right.trim().to_owned(),
                });
            }
        }
        table
    }

    pub(crate) fn resource(&self, name: &str) -> Option<&Value> {
        let mut found = self.resources.iter().filter(|(known, ..)| known == name);
        found.next().map(|(_, _, value)| value)
    }
}

/// Asserts that no row failed, and shows all that did.
#[track_caller]
pub(crate) fn none_failed(file: &str, failures: &[(usize, String, String)]) {
    let shown = failures
        .iter()
        .map(|(line, section, what)| format!("tests/data/{file}:{line} ({section})\n{what}\n"));
    let shown: Vec<String> = shown.collect();
    assert!(
        shown.is_empty(),
        "{} rows fail\n\n{}",
        shown.len(),
        shown.join("\n")
    );
}

/// JSON with `ENT` and `KIT` for the extensions' URNs.
pub(crate) fn json_of(text: &str) -> Value {
    let text = long(text);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Short names of URNs made long.
pub(crate) fn long(text: &str) -> String {
    word_replaced(&word_replaced(text, "ENT", ENTERPRISE_USER), "KIT", KIT)
}

/// Replaces a word, not a part of one (`DEVELOPMENT`).
fn word_replaced(text: &str, word: &str, by: &str) -> String {
    let mut parts = text.split(word);
    let mut result = parts.next().unwrap().to_owned();
    for part in parts {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let inside = letter(result.chars().next_back()) || letter(part.chars().next());
        result.push_str(if inside { word } else { by });
        result.push_str(part);
    }
    result
}

/// Long URNs made short.
pub(crate) fn short(text: &str) -> String {
    text.replace(ENTERPRISE_USER, "ENT").replace(KIT, "KIT")
}

/// The User with both extensions, or the Group.
pub(crate) fn types(kind: ResourceKind) -> ResourceType {
    if kind == ResourceKind::Group {
        return ResourceType::group();
    }
    let mut user = ResourceType::user();
    let text = include_str!("../data/kit.json");
    let schema: Schema = serde_json::from_str(text).unwrap();
    user.extensions.push(Extension {
        schema: Arc::new(schema),
        required: false,
    });
    user
}

/// The three profiles with the names the tables have for them.
pub(crate) fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Entra => "entra",
        Profile::Okta => "okta",
        Profile::Strict => "strict",
    }
}

/// Lines with their number; indented lines and those up to a lone `}` belong to the one before.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks: BTreeMap<usize, String> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let is_comment = line.starts_with('#') && !line.starts_with("## ");
        if line.trim().is_empty() || is_comment {
            continue;
        }
        let continues = line.starts_with(' ') || line == "}";
        match blocks.last_entry().filter(|_| continues) {
            Some(mut block) => {
                block.get_mut().push(' ');
                block.get_mut().push_str(line.trim());
            }
            None => {
                blocks.insert(index + 1, line.trim_end().to_owned());
            }
        }
    }
    blocks.into_iter().collect()
}

fn resource_kind(block: &str) -> Option<(ResourceKind, &str)> {
    let user = block
        .strip_prefix("user ")
        .map(|rest| (ResourceKind::User, rest));
    user.or_else(|| {
        block
            .strip_prefix("group ")
            .map(|rest| (ResourceKind::Group, rest))
    })
}

/// `⟨3×ab⟩` is `ababab`.
pub(crate) fn written_out(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('⟨') {
        let (inner, tail) = after.split_once('⟩').expect("a repetition ends with ⟩");
        let (count, what) = inner.split_once('×').expect("a repetition is ⟨count×text⟩");
        result.push_str(before);
        result.push_str(&what.repeat(count.parse().unwrap()));
        rest = tail;
    }
    result + rest
}
