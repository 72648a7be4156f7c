//! What Entra provisions: a person or a group, as it is to be.

use serde_json::{Value, json};

use crate::history::{Fields, Sort};

/// What has become of a thing, as Entra knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was never provisioned, or was removed.
    Absent,
    Present,
    /// Somebody else has the name.
    Taken,
}

/// A person or group of Entra's.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) sort: Sort,
    /// Entra's own number of it; what it is known by at the vendor.
    pub(crate) owner: usize,
    pub(crate) name: String,
    pub(crate) show: String,
    pub(crate) active: bool,
    pub(crate) id: Option<String>,
    pub(crate) state: State,
    /// Members it is created with.
    pub(crate) members: Vec<String>,
    version: usize,
}

impl Thing {
    pub(crate) fn new(sort: Sort, owner: usize, name: String) -> Self {
        Self {
            sort,
            owner,
            show: format!("Shown as {owner}"),
            name,
            active: true,
            id: None,
            state: State::Absent,
            members: Vec::new(),
            version: 0,
        }
    }

    pub(crate) fn next(&mut self) -> usize {
        self.version += 1;
        self.version
    }

    pub(crate) fn tag(&self) -> String {
        format!("of {}", self.owner)
    }

    pub(crate) fn external(&self) -> String {
        format!("ext-{}", self.owner)
    }

    pub(crate) fn endpoint(&self) -> &'static str {
        match self.sort {
            Sort::Person => "/Users",
            Sort::Team => "/Groups",
        }
    }

    pub(crate) fn path(&self) -> String {
        format!(
            "{}/{}",
            self.endpoint(),
            self.id.as_deref().unwrap_or_default()
        )
    }

    /// What the vendor is to hold of it.
    pub(crate) fn fields(&self) -> Fields {
        let fields = match self.sort {
            Sort::Person => json!({
                "login": self.name, "external": self.external(), "name": self.show,
                "tag": self.tag(), "active": self.active,
            }),
            Sort::Team => json!({"label": self.name, "external": self.external()}),
        };
        fields.as_object().cloned().unwrap_or_default()
    }

    pub(crate) fn resource(&self) -> Value {
        match self.sort {
            Sort::Person => json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": self.name, "externalId": self.external(), "displayName": self.show,
                "title": self.tag(), "active": self.active,
            }),
            Sort::Team => json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": self.name, "externalId": self.external(),
                "members": self.members.iter().map(|id| json!({"value": id})).collect::<Value>(),
            }),
        }
    }

    /// Whether a resource that was found is this one.
    pub(crate) fn is(&self, resource: &Value) -> bool {
        match self.sort {
            Sort::Person => resource["title"] == self.tag().as_str(),
            Sort::Team => true,
        }
    }
}
