//! A target: a person who is trained.

use super::refusal::Refusal;
use serde::Serialize;
use serde_json::{Map, Value};

/// A row as it goes over the wire.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    pub(super) target_id: String,
    pub(super) email_address: String,
    /// `None` in rows from before 1/21/2021.
    pub(super) user_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    tags: Vec<String>,
    created_utc: String,
    pub(super) row_version: String,
}

/// What a POST or PUT says of a target, checked field by field.
pub(super) struct Said {
    pub(super) email_address: String,
    user_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    tags: Vec<String>,
}

impl Said {
    pub(super) fn parse(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let email = text(body, "EmailAddress")?.filter(|email| is_address(email));
        let email =
            email.ok_or_else(|| Refusal::invalid("EmailAddress", "This is no email address."))?;
        Ok(Self {
            email_address: email,
            user_name: text(body, "UserName")?,
            first_name: name(body, "FirstName")?,
            last_name: name(body, "LastName")?,
            tags: tags(body)?,
        })
    }

    pub(super) fn domain(&self) -> String {
        let domain = self.email_address.rsplit('@').next().unwrap_or_default();
        domain.to_lowercase()
    }

    pub(super) fn into_target(self, id: String, version: String, created: String) -> Target {
        Target {
            target_id: id,
            email_address: self.email_address,
            user_name: self.user_name,
            first_name: self.first_name,
            last_name: self.last_name,
            tags: self.tags,
            created_utc: created,
            row_version: version,
        }
    }
}

impl Target {
    /// Everything new but id and age: what is not said is gone.
    pub(super) fn replaced(&self, said: Said, version: String) -> Self {
        said.into_target(self.target_id.clone(), version, self.created_utc.clone())
    }
}

/// A text; null and absent are the same.
pub(super) fn text(
    body: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<String>, Refusal> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::invalid(field, "This must be a text.")),
    }
}

fn name(body: &Map<String, Value>, field: &'static str) -> Result<Option<String>, Refusal> {
    let name = text(body, field)?;
    let fits = |name: &String| (2..=30).contains(&name.chars().count());
    match name.as_ref().is_none_or(fits) {
        true => Ok(name),
        false => Err(Refusal::invalid(field, "A name has 2 to 30 characters.")),
    }
}

fn tags(body: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let refusal = || Refusal::invalid("Tags", "Tags are an array of texts.");
    match body.get("Tags") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(tags)) => {
            let texts = tags.iter().map(|tag| tag.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(refusal)
        }
        Some(_) => Err(refusal()),
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains(['@', ' '])
    })
}
