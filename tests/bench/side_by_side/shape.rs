//! The fields that the vendor has, and the attributes that they are: 11, or 28.

use serde_json::{Map, Value, json};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

type Pairs = &'static [(&'static str, &'static str)];

/// SCIM attribute first, the vendor's field last.
pub(crate) struct Shape {
    pub(crate) plain: Pairs,
    /// Parts of `name`.
    pub(crate) name: Pairs,
    /// Lists of which one element has a field: list, `type` of the element, field of its `value`.
    pub(crate) typed: &'static [(&'static str, &'static str, &'static str)],
    /// Parts of the address at work.
    pub(crate) address: Pairs,
    pub(crate) enterprise: Pairs,
}

const NARROW: Shape = Shape {
    plain: &[
        ("userName", "login"),
        ("externalId", "external_ref"),
        ("active", "active"),
        ("displayName", "display_name"),
        ("title", "job_title"),
        ("userType", "category"),
    ],
    name: &[("givenName", "first_name"), ("familyName", "last_name")],
    typed: &[
        ("emails", "work", "email"),
        ("phoneNumbers", "work", "phone"),
    ],
    address: &[],
    enterprise: &[("department", "department")],
};

const WIDE: Shape = Shape {
    plain: &[
        ("userName", "login"),
        ("externalId", "external_ref"),
        ("active", "active"),
        ("displayName", "display_name"),
        ("title", "job_title"),
        ("userType", "category"),
        ("nickName", "nickname"),
        ("preferredLanguage", "language"),
        ("locale", "locale"),
        ("timezone", "timezone"),
    ],
    name: &[
        ("givenName", "first_name"),
        ("familyName", "last_name"),
        ("middleName", "middle_name"),
        ("formatted", "whole_name"),
        ("honorificPrefix", "salutation"),
        ("honorificSuffix", "degree"),
    ],
    typed: &[
        ("emails", "work", "email"),
        ("phoneNumbers", "work", "phone"),
        ("phoneNumbers", "mobile", "mobile"),
        ("phoneNumbers", "fax", "fax"),
    ],
    address: &[
        ("streetAddress", "street"),
        ("locality", "city"),
        ("region", "state"),
        ("postalCode", "zip"),
        ("country", "country"),
    ],
    enterprise: &[
        ("department", "department"),
        ("employeeNumber", "personnel_no"),
        ("costCenter", "cost_center"),
    ],
};

impl Shape {
    pub(crate) const fn of(is_wide: bool) -> &'static Self {
        if is_wide { &WIDE } else { &NARROW }
    }

    /// Each path of a SCIM attribute, and its field.
    fn rows(&self) -> Vec<(String, &'static str)> {
        let plain = self
            .plain
            .iter()
            .map(|(path, field)| ((*path).to_owned(), *field));
        let below = |pairs: Pairs, over: &'static str| {
            pairs
                .iter()
                .map(move |(part, field)| (format!("{over}{part}"), *field))
        };
        let typed = self
            .typed
            .iter()
            .map(|(list, kind, field)| (format!(r#"{list}[type eq "{kind}"].value"#), *field));
        plain
            .chain(below(self.name, "name."))
            .chain(typed)
            .chain(below(self.address, r#"addresses[type eq "work"]."#))
            .chain(below(self.enterprise, const { ENTERPRISE_BEFORE }))
            .collect()
    }

    /// How many attributes it has.
    pub(crate) fn len(&self) -> usize {
        self.rows().len()
    }

    pub(crate) fn manifest(&self) -> String {
        let fields = self
            .rows()
            .into_iter()
            .map(|(_, field)| format!("{field:?}, "));
        MANIFEST.replace("FIELDS", &fields.collect::<String>())
    }

    pub(crate) fn script(&self) -> String {
        let rows = self.rows().into_iter().map(|(path, field)| {
            let marks = if field == "login" {
                r#".required().lookup("login").unique()"#
            } else {
                ""
            };
            format!("attr(`{path}`, {field:?}){marks},\n        ")
        });
        SCRIPT.replace("ROWS", &rows.collect::<String>())
    }

    /// What the vendor keeps of person `number`, without the id.
    pub(crate) fn row(&self, number: &str) -> Map<String, Value> {
        let fields = self.rows().into_iter();
        fields
            .map(|(_, field)| (field.to_owned(), value(field, number)))
            .collect()
    }

    /// Person `number` as Entra creates it.
    pub(crate) fn user(&self, number: &str) -> Value {
        let mut user = json!({"schemas": [CORE, ENTERPRISE]});
        for (attribute, field) in self.plain {
            user[attribute] = value(field, number);
        }
        for (part, field) in self.name {
            user["name"][part] = value(field, number);
        }
        for (list, kind, field) in self.typed {
            let element = json!({"type": kind, "value": value(field, number)});
            match &mut user[list] {
                Value::Array(elements) => elements.push(element),
                none => *none = json!([element]),
            }
        }
        let parts = self.address.iter();
        let mut address: Map<_, _> = parts
            .map(|(part, field)| ((*part).to_owned(), value(field, number)))
            .collect();
        if !address.is_empty() {
            address.insert("type".into(), "work".into());
            user["addresses"] = json!([address]);
        }
        for (attribute, field) in self.enterprise {
            user[ENTERPRISE][attribute] = value(field, number);
        }
        user
    }
}

const ENTERPRISE_BEFORE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:";

fn value(field: &str, number: &str) -> Value {
    match field {
        "active" => true.into(),
        "login" | "email" => format!("user{number}@example.com").into(),
        "external_ref" => format!("ref-{number}").into(),
        "personnel_no" => number.into(),
        "phone" | "mobile" | "fax" => "+41442681234".into(),
        "language" | "locale" => "de-CH".into(),
        "timezone" => "Europe/Zurich".into(),
        "country" => "CH".into(),
        "department" => "R&D".into(),
        _ => "Ada Lane".into(),
    }
}

const MANIFEST: &str = r#"
title = "Consistent"
consistency = "A"

[credential]
kind = "header"
header = "X-Key"

[paging]
style = "offset"
size = 200

[ids]
user = { field = "id" }
group = { field = "id" }

[groups]
membership = "vendor"

[fields]
user = ["id", FIELDS]
group = ["id", "name"]
"#;

const SCRIPT: &str = r#"
fn user_attributes() {
    [
        ROWS
    ]
}

fn find_user(field, value)    { get("/people", query(field, value)).items }
fn get_user(id)               { get(`/people/${id}`) }
fn list_users(page)           { rows(get("/people", #{ limit: page.size, offset: page.offset })) }
fn create_user(user)          { post("/people", user) }
fn update_user(id, changes)   { patch(`/people/${id}`, changes) }
fn delete_user(id)            { delete(`/people/${id}`) }

fn group_attributes() {
    [
        attr("displayName", "name").required().lookup("name").unique(),
        attr("members"),
    ]
}

fn find_group(field, value)   { get("/teams", query(field, value)).items }
fn get_group(id)              { get(`/teams/${id}`) }
fn list_groups(page)          { rows(get("/teams", #{ limit: page.size, offset: page.offset })) }
fn create_group(group)        { post("/teams", group) }
fn update_group(id, changes)  { patch(`/teams/${id}`, changes) }
fn delete_group(id)           { delete(`/teams/${id}`) }
fn add_members(id, people)    { post_again(`/teams/${id}/members`, #{ add: people }) }
fn remove_members(id, people) { post_again(`/teams/${id}/members`, #{ remove: people }) }
fn list_members(id)           { get(`/teams/${id}/members`).items }

fn rows(page)                 { #{ rows: page.items, total: page.total } }
"#;
