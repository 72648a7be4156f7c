//! What a case finds when it begins, and the names it calls things by.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::adaptations::add_names;
use super::sign_in;
use crate::harness::{Options, Request, Response, Tenant, TestGateway, unique};
use crate::oauth::issuer::{Issuer, Key};
use scimgate::demo::emulator::kit::{Action, Fault, Status};

pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Characters of a value that Entra encodes, one by one and in lower case.
const ENCODED: &str = ";/?:@&=+$,#[]'";

/// A gateway with the fixtures of one case.
pub(super) struct World {
    pub(super) gateway: TestGateway,
    variables: BTreeMap<String, String>,
    /// The ids of fixtures that are many, from the first.
    pub(super) many: Vec<String>,
    asks_b: bool,
}

impl World {
    /// With a client of tenant A and an issuer that it trusts where the case `signs_in`.
    pub(super) async fn start(signs_in: bool) -> Self {
        let options = match signs_in {
            true => sign_in::options(&Issuer::start(&[&Key::number(0)]).await),
            false => Options::default(),
        };
        let gateway = TestGateway::start_with(options).await;
        let variables = [
            ("guid", uuid::Uuid::new_v4().to_string()),
            ("rand", unique("")),
            ("token.A", gateway.a.token.clone()),
            ("token.B", gateway.b.token.clone()),
        ];
        let mut world = Self {
            gateway,
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            many: Vec::new(),
            asks_b: false,
        };
        if signs_in {
            let more = sign_in::variables(&world).await;
            let more = more
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value));
            world.variables.extend(more);
        }
        world
    }

    /// The tenant whose Tenant URL the case uses.
    pub(super) fn tenant(&self) -> &Tenant {
        if self.asks_b {
            &self.gateway.b
        } else {
            &self.gateway.a
        }
    }

    /// Makes what a line of `pre` names.
    pub(super) async fn make(&mut self, fixture: &str) -> Result<(), String> {
        match fixture {
            "user:std" | "user:std in tenant A" => self.user("u", standard_user()).await,
            "user:2" => self.user("u2", standard_user()).await,
            "user:3" => self.user("u3", standard_user()).await,
            "mgr:1" => self.user("m1", standard_user()).await,
            "mgr:2" => self.user("m2", standard_user()).await,
            "user:min" => self.user("u", smallest_user()).await,
            "user:noemail" => self.user("u", without(standard_user(), "emails")).await,
            "user with one role Admin" => self.user("u", with_role(standard_user())).await,
            "users:11" => self.users(11).await,
            "500 users" => self.users(500).await,
            "group:empty" => self.group(&[]).await,
            "group:m2" => self.group(&["u", "u2"]).await,
            "group:m3" => self.group(&["u", "u2", "u3"]).await,
            "manager of user:std is mgr:1" => {
                let path = format!("{ENTERPRISE}:manager");
                self.change_user(json!({"op": "Add", "path": path, "value": self.value("m1.id")?}))
                    .await
            }
            "user:std disabled" => {
                self.change_user(json!({"op": "Replace", "path": "active", "value": "False"}))
                    .await
            }
            "user:std deleted" => {
                let path = format!("/Users/{}", self.value("u.id")?);
                expect(&self.gateway.a.delete(&path).await, 204)
            }
            "send to tenant B's Tenant URL" => {
                self.asks_b = true;
                Ok(())
            }
            // What `start` gave it.
            "test JWKS registered for tenant A" => self.value("tidA").map(drop),
            "vendor stub: always 429" => {
                self.gateway.faults([Fault::new("*", "/**", throttled())]);
                Ok(())
            }
            other => Err(format!("nobody knows how to make the fixture `{other}`")),
        }
    }

    /// A variable's value.
    pub(super) fn value(&self, name: &str) -> Result<String, String> {
        let value = self.variables.get(name).cloned();
        value.ok_or_else(|| format!("there is no variable `{name}`"))
    }

    /// Replaces `{name}`.
    pub(super) fn braced(&self, text: &str) -> Result<String, String> {
        let mut parts = text.split('{');
        let mut expanded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, behind) = part.split_once('}').ok_or("`{` without `}`")?;
            expanded.push_str(&self.value(name)?);
            expanded.push_str(behind);
        }
        Ok(expanded)
    }

    /// Replaces `{{name|filter}}` and what [`sign_in::made`] makes.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            // A `}` before the two belongs to what is inside.
            let end = after.find("}}").ok_or("`{{` without `}}`")?;
            let end = end + usize::from(after[end + 2..].starts_with('}'));
            let (inside, behind) = (&after[..end], &after[end + 2..]);
            let mut parts = inside.split('|');
            let name = parts.next().unwrap_or_default();
            let mut value = sign_in::made(self, name).unwrap_or_else(|| self.value(name))?;
            for filter in parts {
                value = match filter {
                    "upper" => value.to_uppercase(),
                    "enc" => encode(&value),
                    other => return Err(format!("there is no filter `{other}`")),
                };
            }
            expanded.push_str(before);
            expanded.push_str(&value);
            rest = behind;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// Replaces variables everywhere in a body.
    pub(super) fn expand_json(&self, body: &Value) -> Result<Value, String> {
        Ok(match body {
            Value::String(text) => self.expand(text)?.into(),
            Value::Array(items) => self.expand_items(items)?,
            Value::Object(fields) => {
                let pairs = fields
                    .iter()
                    .map(|(name, value)| Ok((self.expand(name)?, self.expand_json(value)?)));
                Value::Object(pairs.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    /// `{{users[1..500].id}}` stands for five hundred items.
    fn expand_items(&self, items: &[Value]) -> Result<Value, String> {
        let mut expanded = Vec::new();
        for item in items {
            if item == &json!({"value": "{{users[1..500].id}}"}) {
                expanded.extend(self.many.iter().map(|id| json!({"value": id})));
            } else {
                expanded.push(self.expand_json(item)?);
            }
        }
        Ok(expanded.into())
    }

    async fn user(&mut self, name: &str, body: Value) -> Result<(), String> {
        let made = self.gateway.a.post("/Users", &body).await;
        expect(&made, 201)?;
        self.name_user(name, &made.json());
        Ok(())
    }

    fn name_user(&mut self, name: &str, user: &Value) {
        let mut set = |field: &str, value: &Value| {
            let value = value.as_str().unwrap_or_default().to_owned();
            self.variables.insert(format!("{name}.{field}"), value);
        };
        set("id", &user["id"]);
        set("userName", &user["userName"]);
        set("externalId", &user["externalId"]);
        set("mail", &user["emails"][0]["value"]);
    }

    /// The first of many is `u` too, unless there is one.
    async fn users(&mut self, count: usize) -> Result<(), String> {
        let mut connection = self.gateway.a.connect().await;
        for _ in 0..count {
            let request: Request = self
                .gateway
                .a
                .request("POST", "/Users")
                .json(&standard_user());
            let made = connection.send(&request).await;
            expect(&made, 201)?;
            self.many
                .push(made.json()["id"].as_str().unwrap_or_default().to_owned());
            if !self.variables.contains_key("u.id") {
                self.name_user("u", &made.json());
            }
        }
        Ok(())
    }

    async fn group(&mut self, members: &[&str]) -> Result<(), String> {
        let mut values = Vec::new();
        for member in members {
            self.user(member, standard_user()).await?;
            values.push(json!({"value": self.value(&format!("{member}.id"))?}));
        }
        let body = json!({
            "schemas": [GROUP],
            "displayName": unique("Grp-"),
            "externalId": unique("group-"),
            "members": values,
        });
        let made = self.gateway.a.post("/Groups", &body).await;
        expect(&made, 201)?;
        for field in ["id", "displayName", "externalId"] {
            let value = made.json()[field].as_str().unwrap_or_default().to_owned();
            self.variables.insert(format!("g.{field}"), value);
        }
        Ok(())
    }

    async fn change_user(&self, operation: Value) -> Result<(), String> {
        let path = format!("/Users/{}", self.value("u.id")?);
        expect(&self.gateway.a.patch(&path, json!([operation])).await, 200)
    }
}

fn expect(response: &Response, status: u16) -> Result<(), String> {
    if response.status == status {
        return Ok(());
    }
    Err(format!("a fixture could not be made: {response}"))
}

/// The body of case U-02, with names of its own.
fn standard_user() -> Value {
    let name = unique("ada.");
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": uuid::Uuid::new_v4().to_string(),
        "userName": format!("{name}@example.com"),
        "active": true,
        "displayName": "Ada Lane",
        "title": "Engineer",
        "preferredLanguage": "en-GB",
        "emails": [{"primary": true, "type": "work", "value": format!("{name}@example.com")}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lane", "familyName": "Lane", "givenName": "Ada"},
        "addresses": [{
            "type": "work", "formatted": "Bldg 2", "streetAddress": "1 Mill Rd", "locality": "York",
            "region": "North Yorkshire", "postalCode": "YO1 1AA", "country": "GB", "primary": false,
        }],
        "phoneNumbers": [
            {"type": "work", "value": "01904 000001"},
            {"type": "mobile", "value": "07000000001"},
            {"type": "fax", "value": "01904 000002"},
        ],
        ENTERPRISE: {"employeeNumber": "E100", "department": "R&D"},
        "roles": [],
    })
}

/// userName only, were it not for SoSafe: see [`add_names`].
fn smallest_user() -> Value {
    let mut user =
        json!({"schemas": [USER], "userName": format!("{}@example.com", unique("min."))});
    add_names(&mut user);
    user
}

fn with_role(mut user: Value) -> Value {
    user["roles"] =
        json!([{"primary": true, "type": "WindowsAzureActiveDirectoryRole", "value": "Admin"}]);
    user
}

fn without(mut user: Value, attribute: &str) -> Value {
    user.as_object_mut().unwrap().remove(attribute);
    user
}

fn throttled() -> Action {
    Action::Status(Status {
        headers: [("retry-after".to_owned(), "30".to_owned())].into(),
        ..Status::from(429)
    })
}

/// A value in a filter as Entra writes it on the wire.
pub(super) fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for character in value.chars() {
        match character {
            ' ' => encoded.push('+'),
            _ if ENCODED.contains(character) => {
                encoded.push_str(&format!("%{:02x}", character as u32))
            }
            // Entra leaves others alone; on the wire they have to be bytes.
            _ if !character.is_ascii() => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    encoded.push_str(&format!("%{byte:02x}"));
                }
            }
            other => encoded.push(other),
        }
    }
    encoded
}
