//! Users and groups, and their rules.

use super::element::{Element, escape};
use super::refusal::Refusal;
use super::xpath::Test;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Attributes every directory has.
const KNOWN: [&str; 31] = [
    "BusinessPhone",
    "Common-Name",
    "CompanyName",
    "Country",
    "Department",
    "EmployeeId",
    "ExternalId",
    "FaxNumber",
    "Given Name",
    "HonorificPrefix",
    "HonorificSuffix",
    "Location",
    "Mail",
    "Manager",
    "MobilePhone",
    "Name",
    "Other Address",
    "Other Country",
    "Other Location",
    "Other PostalCode",
    "Other State",
    "Other StreetAddress",
    "OtherMail",
    "PostalCode",
    "PreferredLanguage",
    "State",
    "StreetAddress",
    "Sur Name",
    "Title",
    "User Principal Name",
    "UserAccountControl",
];

/// Attributes no user is without.
const REQUIRED: [&str; 6] = [
    "Common-Name",
    "Given Name",
    "Name",
    "Sur Name",
    "User Principal Name",
    "UserAccountControl",
];

/// What both sorts have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) unique_id: String,
    pub(super) created: String,
    pub(super) changed: String,
}

/// `directory/entry/user/entry`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct User {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) attrs: BTreeMap<String, String>,
}

/// `directory/entry/user-group/entry`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Group {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) display_name: Option<String>,
    pub(super) members: BTreeSet<String>,
}

/// What a directory holds two sorts of.
pub(super) trait Entry: Clone + Default {
    fn head(&self) -> &Head;
    fn head_mut(&mut self) -> &mut Head;
    /// Whether an entry may be called so.
    fn fits(name: &str) -> bool;
    /// Puts elements in: `set`.
    fn merge(&mut self, elements: &[Element], custom: &[String]) -> Result<(), Refusal>;
    fn passes(&self, test: &Test) -> Option<bool>;
    fn is_complete(&self) -> bool;
    fn inside(&self) -> String;

    fn xml(&self) -> String {
        let Head {
            name,
            unique_id,
            created,
            changed,
        } = self.head();
        format!(
            r#"<entry name="{}" unique-id="{unique_id}" created="{created}" changed="{changed}">{}</entry>"#,
            escape(name),
            self.inside()
        )
    }
}

impl Entry for User {
    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn fits(name: &str) -> bool {
        (1..=63).contains(&name.chars().count())
    }

    fn merge(&mut self, elements: &[Element], custom: &[String]) -> Result<(), Refusal> {
        for element in elements {
            let name = element
                .attributes
                .get("n")
                .filter(|_| element.name == "attr");
            let name = name.ok_or_else(|| Refusal::invalid(&element.name))?;
            if !KNOWN.contains(&name.as_str()) && !custom.contains(name) {
                return Err(Refusal::invalid(name));
            }
            self.attrs.insert(name.clone(), element.text.clone());
        }
        Ok(())
    }

    fn passes(&self, test: &Test) -> Option<bool> {
        match test {
            Test::Attribute(name, value) if name == "name" => Some(self.head.name == *value),
            Test::Child(name, value) if name == "unique-id" => Some(self.head.unique_id == *value),
            Test::Attr(name, value) => Some(self.attrs.get(name) == Some(value)),
            Test::After(_) | Test::UpTo(_) => Some(true),
            _ => None,
        }
    }

    fn is_complete(&self) -> bool {
        REQUIRED
            .iter()
            .all(|name| self.attrs.get(*name).is_some_and(|value| !value.is_empty()))
    }

    /// Without `Mail` the User Principal Name is told.
    fn inside(&self) -> String {
        let mail = self
            .attrs
            .get("User Principal Name")
            .filter(|_| !self.attrs.contains_key("Mail"));
        let attr = |(name, value): (&str, &str)| {
            format!(r#"<attr n="{}">{}</attr>"#, escape(name), escape(value))
        };
        let own = self
            .attrs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain(mail.map(|mail| ("Mail", mail.as_str())))
            .map(attr)
            .collect()
    }
}

impl Entry for Group {
    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn fits(name: &str) -> bool {
        (1..=31).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b))
    }

    fn merge(&mut self, elements: &[Element], _: &[String]) -> Result<(), Refusal> {
        for element in elements {
            match element.name.as_str() {
                "display-name" => self.display_name = Some(element.text.clone()),
                "member" => drop(self.members.insert(element.text.clone())),
                other => return Err(Refusal::invalid(other)),
            }
        }
        Ok(())
    }

    fn passes(&self, test: &Test) -> Option<bool> {
        match test {
            Test::Attribute(name, value) if name == "name" => Some(self.head.name == *value),
            Test::Child(name, value) if name == "unique-id" => Some(self.head.unique_id == *value),
            Test::After(_) | Test::UpTo(_) => Some(true),
            _ => None,
        }
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn inside(&self) -> String {
        let name = self
            .display_name
            .iter()
            .map(|name| format!("<display-name>{}</display-name>", escape(name)));
        let members = self
            .members
            .iter()
            .map(|name| format!("<member>{}</member>", escape(name)));
        name.chain(members).collect()
    }
}
