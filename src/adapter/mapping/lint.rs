//! Rows of a table that work and are probably not what was meant.

use std::collections::BTreeMap;

use super::convert::text_of;
use super::converter::Converter;
use super::row::Row;
use super::table::Mapping;
use crate::problem::Problem;
use crate::scim::schema::Kind;
use crate::scim::{Leaf, ResourceKind};
use crate::script::program::Script;

/// What Entra's default attribute mapping of an app without one of its own
/// sends of a user: <https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups>.
const USER_DEFAULTS: &[&str] = &[
    "userName",
    "active",
    "displayName",
    "title",
    r#"emails[type eq "work"].value"#,
    "preferredLanguage",
    "name.givenName",
    "name.familyName",
    "name.formatted",
    r#"addresses[type eq "work"].formatted"#,
    r#"addresses[type eq "work"].streetAddress"#,
    r#"addresses[type eq "work"].locality"#,
    r#"addresses[type eq "work"].region"#,
    r#"addresses[type eq "work"].postalCode"#,
    r#"addresses[type eq "work"].country"#,
    r#"phoneNumbers[type eq "work"].value"#,
    r#"phoneNumbers[type eq "mobile"].value"#,
    r#"phoneNumbers[type eq "fax"].value"#,
    "externalId",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
];

/// And of a group.
const GROUP_DEFAULTS: &[&str] = &["displayName", "externalId", "members"];

impl Mapping {
    /// All of it, in the table's order.
    pub(crate) fn lints(&self, script: &Script) -> Vec<Problem> {
        let lint = Lint {
            mapping: self,
            script,
        };
        let mut problems = Vec::from_iter(lint.unmapped());
        problems.extend(lint.written_twice());
        for row in &self.rows {
            problems.extend(lint.one_way(row));
            problems.extend(lint.ambiguous(row));
            problems.extend(lint.unique_external_id(row));
            problems.extend(lint.stops_a_user(row));
        }
        problems
    }
}

struct Lint<'a> {
    mapping: &'a Mapping,
    script: &'a Script,
}

impl Lint<'_> {
    fn at(&self, row: &Row, code: &'static str, message: String) -> Problem {
        let problem = Problem::error(code, &self.script.file, message).warning();
        let (start, length) = row.place;
        problem.at(start, length)
    }

    /// What Entra sends unless somebody changes its mapping, and no row is for.
    fn unmapped(&self) -> Option<Problem> {
        let (defaults, function) = match self.mapping.kind {
            ResourceKind::User => (USER_DEFAULTS, "user_attributes"),
            ResourceKind::Group => (GROUP_DEFAULTS, "group_attributes"),
        };
        let missing: Vec<&str> = defaults
            .iter()
            .copied()
            .filter(|path| !self.has(path))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let message = format!(
            "no row maps what Entra sends by default: {}",
            missing.join(", ")
        );
        let problem = Problem::error("lint::unmapped-attribute", &self.script.file, message)
            .warning()
            .help(
                "add rows for attributes that the vendor has a field for. The gateway stores the \
                 others, and the vendor never gets them. To accept that, write above the function: \
                 // allow: lint::unmapped-attribute and the reason",
            );
        Some(match self.script.text.find(&format!("fn {function}(")) {
            Some(start) => problem
                .at(start + "fn ".len(), function.len())
                .label("this table"),
            None => problem,
        })
    }

    /// A path that the type does not have is nothing to look for.
    fn has(&self, path: &str) -> bool {
        let full = match self.mapping.kind {
            ResourceKind::User => crate::scim::ResourceType::user(),
            ResourceKind::Group => crate::scim::ResourceType::group(),
        };
        let Ok(leaf) = Leaf::parse(path, &full) else {
            return true;
        };
        // A row for the list as a whole holds all of its elements.
        let is_whole = |row: &Row| row.leaf.element.is_none() && row.leaf.sub.is_none();
        let same =
            |row: &&Row| (&row.leaf.schema, &row.leaf.attribute) == (&leaf.schema, &leaf.attribute);
        let mut rows = self.mapping.rows.iter().filter(same);
        rows.any(|row| row.leaf == leaf || is_whole(row))
    }

    /// Two attributes in one native field: the later write wins.
    fn written_twice(&self) -> Vec<Problem> {
        let mut first: BTreeMap<&str, &Row> = BTreeMap::new();
        let mut problems = Vec::new();
        for row in self.mapping.rows.iter().filter(|row| !row.read_only) {
            for field in &row.fields {
                if let Some(before) = first.get(field.dotted()) {
                    let name = field.dotted();
                    let message = format!("`{}` is written to `{name}` as well", before.spelling);
                    let problem = self.at(row, "lint::field-written-twice", message);
                    problems.push(problem.label("writes the same field").help(
                        "give this attribute its own field, or write attr(\"…\") without a field: the gateway then stores it",
                    ));
                } else {
                    first.insert(field.dotted(), row);
                }
            }
        }
        problems
    }

    /// Translations in one direction only.
    fn one_way(&self, row: &Row) -> Option<Problem> {
        let (to, from) = match &row.converter {
            Converter::Custom { to, from } => (to.is_some(), from.is_some()),
            _ => (false, false),
        };
        let several = row.fields.len() > 1;
        let (message, help) = match (several, to, from) {
            (true, true, true) | (false, _, false) | (false, true, true) => return None,
            (true, ..) => (
                "is in several fields, without both .to and .from",
                "several fields need both .to(|value| […]) and .from(|parts| …)",
            ),
            (false, false, true) if row.read_only => return None,
            (false, false, true) => (
                "is translated when it is read and not when it is written",
                "add .to(|value| …), which converts Entra's value for the vendor",
            ),
        };
        let message = format!("`{}` {message}", row.spelling);
        let problem = self.at(row, "lint::one-way-conversion", message);
        Some(problem.label("loses data").help(help))
    }

    /// RFC 7643 §3.1: the client, not the server, keeps `externalId` unique.
    fn unique_external_id(&self, row: &Row) -> Option<Problem> {
        if !row.unique || row.leaf.attribute != "externalId" {
            return None;
        }
        let message = "externalId is marked unique, but in SCIM two objects may have the same one";
        let problem = self.at(row, "lint::unique-external-id", message.to_owned());
        Some(
            problem.help(
                "leave .unique() out; if the vendor refuses a second one, map another attribute",
            ),
        )
    }

    /// An attribute that nobody needs, and that holds a whole object up by a value the vendor has
    /// no form for.
    fn stops_a_user(&self, row: &Row) -> Option<Problem> {
        let refuses = match &row.converter {
            Converter::Values { other, .. } => other.is_none() && row.kind != Kind::Boolean,
            Converter::Country(_) => true,
            _ => false,
        };
        let is_short = row.at_most.is_some();
        if !(refuses || is_short) || row.required || row.lenient {
            return None;
        }
        let which = match refuses {
            true => "that cannot be converted",
            false => "that is too long",
        };
        let message = format!(
            "a value of `{}` {which} is refused, and the whole object with it",
            row.spelling
        );
        let problem = self.at(row, "lint::optional-value-refused", message);
        let instead = match refuses {
            true => ".others(native)",
            false => "write .cut(letters) in place of .max(letters)",
        };
        Some(problem.label("optional").help(format!(
            "add .lenient(), which leaves such a value out for the vendor, or {instead}. \
             If it must be refused, write above the row: \
             // allow: lint::optional-value-refused and the reason"
        )))
    }

    /// Two SCIM values that become one native value, and nothing says which one it is read as.
    fn ambiguous(&self, row: &Row) -> Option<Problem> {
        let Converter::Values { pairs, reads, .. } = &row.converter else {
            return None;
        };
        let mut read_as: BTreeMap<String, &str> = BTreeMap::new();
        for (scim, native) in pairs {
            let native = text_of(native);
            let decided = reads.iter().any(|(known, _)| *known == native);
            match read_as.get(&native) {
                Some(first) if !decided => {
                    let message = format!(
                        "both `{first}` and `{scim}` become `{native}` in `{}`",
                        row.spelling
                    );
                    let problem = self.at(row, "lint::ambiguous-value", message);
                    let problem = problem.label("which one does Entra read?");
                    return Some(problem.help(format!(
                        "add after .values(…): .reads(#{{ \"{native}\": \"{first}\" }})"
                    )));
                }
                _ => drop(read_as.insert(native, scim)),
            }
        }
        None
    }
}
