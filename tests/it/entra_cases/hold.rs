//! Whether what was expected holds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::changes::no_stray_keys;
use super::discovery::{all_discovered, attributes_described, canonical_types};
use super::expectation::{Expectation, HeaderTest, Test};
use super::path::Path;
use super::phrase::Phrase;
use super::sign_in::no_token;
use super::world::{ENTERPRISE, World, encode};
use crate::harness::{Request, Response, members_in};

pub(super) const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

pub(super) type Held = Result<(), String>;

/// A case that was sent, with what was there before it.
pub(super) struct Played {
    pub(super) world: World,
    pub(super) request: Request,
    pub(super) sent: Value,
    pub(super) response: Response,
    pub(super) took: Duration,
    user_before: Value,
    group_before: Value,
}

impl Played {
    /// Looks at the fixtures, then sends the request.
    pub(super) async fn send(world: World, request: Request) -> Self {
        let user_before = fixture(&world, "/Users", "u.id").await;
        let group_before = fixture(&world, "/Groups", "g.id").await;
        let begun = Instant::now();
        let response = world.tenant().send(request.clone()).await;
        let body = request.body.as_deref().unwrap_or_default();
        Self {
            sent: serde_json::from_slice(body).unwrap_or_default(),
            took: begun.elapsed(),
            world,
            request,
            response,
            user_before,
            group_before,
        }
    }

    pub(super) async fn end(self) {
        self.world.gateway.end().await;
    }

    /// Whether an expectation of the response holds.
    pub(super) async fn holds(&self, expectation: &Expectation) -> Held {
        let here = if self.is_change_of("Users") && self.response.body.is_empty() {
            Value::Null
        } else {
            self.response.json()
        };
        self.holds_for(expectation, &here).await
    }

    async fn holds_for(&self, expectation: &Expectation, here: &Value) -> Held {
        match expectation {
            Expectation::All(parts) => {
                for part in parts {
                    Box::pin(self.holds_for(part, here)).await?;
                }
                Ok(())
            }
            Expectation::Header { name, test } => self.header(name, test),
            Expectation::Here { path, test } => self.here(path, test, here),
            Expectation::Member { user, is } => {
                let members = self.members().await?;
                let id = self.world.value(user)?;
                same(&members.contains(&id), is, "membership")
            }
            Expectation::Phrase(phrase) => self.phrase(*phrase, here).await,
            Expectation::Then {
                target,
                status,
                hold,
            } => {
                let target = target.replace("{id}", here["id"].as_str().unwrap_or_default());
                let response = self.world.tenant().get(&self.world.expand(&target)?).await;
                same(&response.status, status, &target)?;
                let Some(hold) = hold else { return Ok(()) };
                let held = Box::pin(self.holds_for(hold, &response.json())).await;
                held.map_err(|why| format!("{why}\n    then: {}", response.json()))
            }
        }
    }

    fn header(&self, name: &str, test: &HeaderTest) -> Held {
        let value = self.response.header(name);
        let holds = match test {
            HeaderTest::Absolute => value.starts_with(&self.world.tenant().url()),
            HeaderTest::Contains(part) => value.contains(part),
            HeaderTest::Present => !value.is_empty(),
            HeaderTest::StartsWith(start) => value.starts_with(start),
        };
        that(holds, || format!("{name} is `{value}`"))
    }

    fn here(&self, path: &Path, test: &Test, here: &Value) -> Held {
        let found = path.of(here).unwrap_or(&Value::Null);
        let count = found.as_array().map_or(0, Vec::len);
        let holds = match test {
            Test::Absent => found.is_null(),
            Test::AsBefore => Some(found) == path.of(&self.user_before),
            Test::AsSent => Some(found) == path.of(&self.sent),
            Test::AtLeast(least) => found.as_f64().is_some_and(|number| number >= *least),
            Test::AtMost(most) => found.as_f64().is_some_and(|number| number <= *most),
            Test::Boolean => found.is_boolean(),
            Test::Contains(item) => {
                let items = found.as_array().cloned().unwrap_or_default();
                items.contains(&self.world.expand(item)?.into())
            }
            Test::Empty => found.as_array().is_some_and(Vec::is_empty),
            Test::Equals(value) => *found == self.world.expand_json(value)?,
            Test::HasNo(key) => found.is_object() && found.get(key).is_none(),
            Test::Length(length) => found.is_array() && count == *length,
            Test::LengthOf(other) => {
                other.of(here).and_then(Value::as_u64) == u64::try_from(count).ok()
            }
            Test::NonEmpty => found.as_str().map_or(count > 0, |text| !text.is_empty()),
            Test::Present => !found.is_null(),
            Test::TextNotEmpty => found.as_str().is_some_and(|text| !text.is_empty()),
        };
        that(holds, || format!("there is {found}"))
    }

    async fn phrase(&self, phrase: Phrase, here: &Value) -> Held {
        match phrase {
            Phrase::AccessToken => that(here["access_token"].is_string(), || here.to_string()),
            Phrase::AllDiscovered => all_discovered(here),
            Phrase::AllGone => same(&self.members().await?, &Vec::new(), "members"),
            Phrase::AllThreeAreMembers => self.has_members(&["u", "u2", "u3"]).await,
            Phrase::AttributesDescribed => attributes_described(here),
            Phrase::BothGone => {
                let members = self.members().await?;
                let gone =
                    |user: &str| Ok::<_, String>(!members.contains(&self.world.value(user)?));
                that(gone("u.id")? && gone("u2.id")?, || {
                    format!("members are {members:?}")
                })
            }
            Phrase::BothStillMembers => self.has_members(&["u", "u2"]).await,
            Phrase::CanonicalTypes => canonical_types(here),
            Phrase::ChangesCleared => self.changes_cleared(here),
            Phrase::ChangesMade => self.changes_made(here),
            Phrase::CoreSchema => lists_schema(here, CORE_USER),
            Phrase::CoreUserUrnAsId => same(&here["id"], &CORE_USER.into(), "id"),
            Phrase::DetailNamesUserName => {
                let detail = here["detail"].as_str().unwrap_or_default();
                that(detail.contains("userName"), || {
                    format!("detail is `{detail}`")
                })
            }
            Phrase::DisplayNameByteForByte => {
                let read = self.get("/Users", here).await?;
                same(
                    &read["displayName"],
                    &self.sent["displayName"],
                    "displayName",
                )
            }
            Phrase::EmployeeNumberKeptOrGone => {
                let now = &here[ENTERPRISE]["employeeNumber"];
                let before = &self.user_before[ENTERPRISE]["employeeNumber"];
                that(now.is_null() || now == before, || {
                    format!("employeeNumber is {now}")
                })
            }
            Phrase::EmptyBody => that(self.response.body.is_empty(), || "there is a body".into()),
            Phrase::EnterpriseSchema => lists_schema(here, ENTERPRISE),
            Phrase::ErrorIfBody if self.response.body.is_empty() => Ok(()),
            Phrase::ErrorIfBody => {
                same(&here["status"], &"404".into(), "status")?;
                lists_schema(here, ERROR)
            }
            Phrase::ErrorSchema => lists_schema(here, ERROR),
            Phrase::ExactlyBoth => {
                let mut two = vec![self.world.value("u.id")?, self.world.value("u2.id")?];
                two.sort();
                same(&self.members().await?, &two, "members")
            }
            Phrase::FiveHundredMembers => self.five_hundred().await,
            Phrase::FullResourceIf200 if self.response.status == 200 => {
                same(&here["id"], &self.world.value("u.id")?.into(), "id")?;
                same(&here["emails"], &self.user_before["emails"], "emails")
            }
            Phrase::FullResourceIf200 => Ok(()),
            Phrase::IdAndUserName => that(
                here["id"].is_string() && here["userName"].is_string(),
                || here.to_string(),
            ),
            Phrase::InvalidFilterIf400 if self.response.status == 400 => {
                same(&here["scimType"], &"invalidFilter".into(), "scimType")
            }
            Phrase::InvalidFilterIf400 | Phrase::SaidByStatus => Ok(()),
            Phrase::LengthsKept => {
                let lengths = |user: &Value| {
                    ["emails", "phoneNumbers", "addresses"]
                        .map(|name| user[name].as_array().map(Vec::len))
                };
                same(&lengths(here), &lengths(&self.user_before), "lengths")
            }
            Phrase::Load => self.load().await,
            Phrase::ManagerEmpty => {
                let manager = &here[ENTERPRISE]["manager"];
                let empty =
                    manager.is_null() || manager["value"].as_str().is_none_or(str::is_empty);
                that(empty, || format!("manager is {manager}"))
            }
            Phrase::ManagerObject => {
                let manager = &here[ENTERPRISE]["manager"];
                same(
                    &manager["value"],
                    &self.world.value("m1.id")?.into(),
                    "manager.value",
                )
            }
            Phrase::MembersIfReturned => {
                let id = self.world.value("u.id")?;
                let members = members_in(here);
                that(here["members"].is_null() || members.contains(&id), || {
                    format!("{members:?}")
                })
            }
            Phrase::MembersKept => same(
                &self.members().await?,
                &members_in(&self.group_before),
                "members",
            ),
            Phrase::MembershipFound => {
                let filter = format!(
                    "/Groups?attributes=id&filter=id+eq+%22{}%22+and+members+eq+%22{}%22",
                    self.world.value("g.id")?,
                    self.world.value("u.id")?
                );
                self.hits(&filter, 1).await
            }
            Phrase::NameWhole => {
                let whole = json!({"givenName": "Jo", "familyName": "Doe", "formatted": "Jo Doe"});
                same(&here["name"], &whole, "name")
            }
            Phrase::NewNameFound => {
                let sent = &self.sent["Operations"][0]["value"];
                let name = sent
                    .as_str()
                    .or_else(|| sent["displayName"].as_str())
                    .unwrap_or_default();
                let filter = format!("/Groups?filter=displayName+eq+%22{}%22", encode(name));
                self.hits(&filter, 1).await
            }
            Phrase::NoHits => {
                let name = encode(&self.world.value("u.userName")?);
                self.hits(&format!("/Users?filter=userName+eq+%22{name}%22"), 0)
                    .await
            }
            Phrase::NoHtml => {
                let content = self.response.header("content-type");
                let is_scim = content.starts_with("application/scim+json");
                that(
                    is_scim && self.response.header("location").is_empty(),
                    || content.to_owned(),
                )
            }
            Phrase::NoNull => no_null(here),
            Phrase::NoStrayKeys => no_stray_keys(here),
            Phrase::NoToken => no_token(here),
            Phrase::NotRepeatedFromPage1 => {
                let first = self
                    .world
                    .tenant()
                    .get("/Users?startIndex=1&count=5")
                    .await
                    .json();
                let ids = |page: &Value| -> Vec<Value> {
                    let users = page["Resources"].as_array().cloned().unwrap_or_default();
                    users.iter().map(|user| user["id"].clone()).collect()
                };
                let (first, here) = (ids(&first), ids(here));
                let repeated = here.iter().any(|id| first.contains(id));
                that(!repeated && !here.is_empty(), || {
                    format!("{first:?} and {here:?}")
                })
            }
            Phrase::OneWorkAddress => {
                let addresses = here["addresses"].as_array().cloned().unwrap_or_default();
                let work = addresses
                    .iter()
                    .filter(|address| address["type"] == "work")
                    .count();
                same(&work, &1, "work addresses")?;
                self.changes_made(here)
            }
            Phrase::NoWorkEmail => {
                let emails = here["emails"].as_array().cloned().unwrap_or_default();
                let held = emails.iter().any(|email| email["type"] == "work");
                that(!held, || format!("emails is {}", here["emails"]))
            }
            Phrase::OneWorkEmail => {
                let emails = here["emails"].as_array().cloned().unwrap_or_default();
                same(
                    &emails
                        .iter()
                        .filter(|email| email["type"] == "work")
                        .count(),
                    &1,
                    "work emails",
                )
            }
            Phrase::OtherSecretWorks => self.other_secret_works(here).await,
            Phrase::OwnTokenIsTaken => self.own_token_is_taken().await,
            Phrase::PrimaryKept => same(
                &here["emails"][0]["primary"],
                &self.user_before["emails"][0]["primary"],
                "primary",
            ),
            Phrase::RefusedOp => {
                let refused = ["invalidSyntax", "invalidValue"].map(Value::from);
                that(refused.contains(&here["scimType"]), || {
                    format!("scimType is {}", here["scimType"])
                })
            }
            Phrase::RenamedAndFound => {
                let new = self.sent["Operations"][0]["value"]
                    .as_str()
                    .unwrap_or_default();
                let filter =
                    |name: &str| format!("/Users?filter=userName+eq+%22{}%22", encode(name));
                self.hits(&filter(&self.world.value("u.userName")?), 0)
                    .await?;
                self.hits(&filter(new), 1).await
            }
            Phrase::Role25 => {
                let sent = &self.sent["Operations"][0]["value"][0]["value"];
                let roles = here["roles"].as_array().cloned().unwrap_or_default();
                let stands = |role: &Value| role["value"] == "25" || role["value"] == *sent;
                that(roles.iter().any(stands), || format!("roles are {roles:?}"))
            }
            Phrase::RolesAsSent => same(
                &here["roles"],
                &self.sent["Operations"][0]["value"],
                "roles",
            ),
            Phrase::RolesTwo => same(&here["roles"].as_array().map(Vec::len), &Some(2), "roles"),
            Phrase::Throttled => self.throttled(),
            Phrase::ThreePhonesAsSent => self.same_phones(here),
            Phrase::TokenAdmits => self.token_admits(here).await,
            Phrase::UserAgentNotSent => {
                let names = self.request.headers.iter().map(|(name, _)| name);
                let sent = names
                    .filter(|name| name.eq_ignore_ascii_case("user-agent"))
                    .count();
                same(&sent, &0, "User-Agent headers")
            }
            Phrase::UsersStillExist => {
                for user in ["u.id", "u2.id"] {
                    let path = format!("/Users/{}", self.world.value(user)?);
                    same(&self.world.tenant().get(&path).await.status, &200, user)?;
                }
                Ok(())
            }
            Phrase::WholeEmail => {
                let email = json!([{"type": "work", "value": "m@example.org", "primary": true}]);
                let sorted = |value: &Value| {
                    serde_json::from_value::<Vec<std::collections::BTreeMap<String, Value>>>(
                        value.clone(),
                    )
                    .ok()
                };
                same(&sorted(&here["emails"]), &sorted(&email), "emails")
            }
        }
    }

    fn is_change_of(&self, endpoint: &str) -> bool {
        self.request.method == "PATCH" && self.request.target.contains(endpoint)
    }

    async fn get(&self, endpoint: &str, here: &Value) -> Result<Value, String> {
        let id = here["id"].as_str().ok_or("there is no id")?;
        let response = self.world.tenant().get(&format!("{endpoint}/{id}")).await;
        same(&response.status, &200, "status")?;
        Ok(response.json())
    }

    async fn members(&self) -> Result<Vec<String>, String> {
        Ok(self
            .world
            .tenant()
            .members(&self.world.value("g.id")?)
            .await)
    }

    async fn has_members(&self, users: &[&str]) -> Held {
        let members = self.members().await?;
        for user in users {
            let id = self.world.value(&format!("{user}.id"))?;
            that(members.contains(&id), || {
                format!("{user} is not in {members:?}")
            })?;
        }
        Ok(())
    }

    async fn hits(&self, path: &str, count: u64) -> Held {
        let response = self.world.tenant().get(path).await;
        same(&response.status, &200, path)?;
        same(&response.json()["totalResults"], &count.into(), path)
    }

    async fn five_hundred(&self) -> Held {
        let members = self.members().await?;
        let mut expected = self.world.many.clone();
        expected.extend(members_in(&self.group_before));
        expected.sort();
        same(&members.len(), &502, "number of members")?;
        same(&members, &expected, "members")
    }
}

async fn fixture(world: &World, endpoint: &str, variable: &str) -> Value {
    match world.value(variable) {
        Ok(id) => {
            let response = world.gateway.a.get(&format!("{endpoint}/{id}")).await;
            if response.status == 200 {
                response.json()
            } else {
                Value::Null
            }
        }
        Err(_) => Value::Null,
    }
}

pub(super) fn that(holds: bool, why: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(why()) }
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T, what: &str) -> Held {
    that(found == expected, || {
        format!("{what}: found {found:?}, expected {expected:?}")
    })
}

fn lists_schema(here: &Value, urn: &str) -> Held {
    let schemas = here["schemas"].as_array().cloned().unwrap_or_default();
    that(schemas.contains(&urn.into()), || {
        format!("schemas are {schemas:?}")
    })
}

fn no_null(here: &Value) -> Held {
    match here {
        Value::Null => Err("there is a null".into()),
        Value::Array(items) => items.iter().try_for_each(no_null),
        Value::Object(fields) => fields.values().try_for_each(no_null),
        _ => Ok(()),
    }
}
