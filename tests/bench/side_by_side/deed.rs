//! What is asked for: of a SCIM server as Entra asks, and of the vendor itself, where only a proxy stands
//! before it.

use std::fmt;
use std::fmt::Write as _;

use super::shape::Shape;
use super::vendor::PEOPLE;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    Get,
    Find,
    /// A page of so many users.
    List(usize),
    /// Of two attributes.
    Patch,
    Post,
    /// So many members of a group, in one request.
    Add(usize),
    /// A group that has so many members.
    Group(usize),
}

impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get => write!(out, "GET"),
            Self::Find => write!(out, "find"),
            Self::List(count) => write!(out, "list of {count}"),
            Self::Patch => write!(out, "PATCH"),
            Self::Post => write!(out, "POST"),
            Self::Add(1) => write!(out, "add a member"),
            Self::Add(count) => write!(out, "add {count} members"),
            Self::Group(count) => write!(out, "group of {count}"),
        }
    }
}

impl Deed {
    /// How many users or members it is about.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::List(count) | Self::Add(count) | Self::Group(count) => count,
            Self::Get | Self::Find | Self::Patch | Self::Post => 1,
        }
    }
}

/// Whose requests are sent.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Dialect {
    Scim,
    Vendor,
}

/// Makes requests for one server.
pub(crate) struct Requests {
    dialect: Dialect,
    /// Lines of the head that all requests have.
    head: String,
    /// A new user, with `NUMBER` where its number stands.
    user: String,
}

const NUMBER: &str = "NUMBER";

impl Requests {
    pub(crate) fn new(dialect: Dialect, head: String, shape: &Shape) -> Self {
        let user = match dialect {
            Dialect::Scim => shape.user(NUMBER).to_string(),
            Dialect::Vendor => serde_json::Value::from(shape.row(NUMBER)).to_string(),
        };
        Self {
            dialect,
            head,
            user,
        }
    }

    /// The bytes of request `number`.
    pub(crate) fn bytes(&self, deed: Deed, number: usize) -> String {
        let (line, body) = match self.dialect {
            Dialect::Scim => self.scim(deed, number),
            Dialect::Vendor => self.native(deed, number),
        };
        let (head, length) = (&self.head, body.len());
        let kind = match self.dialect {
            Dialect::Scim => "application/scim+json",
            Dialect::Vendor => "application/json",
        };
        let sent = match body.as_str() {
            "" => String::new(),
            _ => format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n"),
        };
        format!("{line} HTTP/1.1\r\n{head}{sent}\r\n{body}")
    }

    fn scim(&self, deed: Deed, number: usize) -> (String, String) {
        let known = number % PEOPLE;
        let (line, body) = match deed {
            Deed::Get => (format!("GET /Users/{known}"), String::new()),
            Deed::Find => {
                let filter = format!("userName%20eq%20%22user{known}%40example.com%22");
                (format!("GET /Users?filter={filter}"), String::new())
            }
            Deed::List(count) => (
                format!("GET /Users?startIndex=1&count={count}"),
                String::new(),
            ),
            Deed::Patch => {
                let operations = format!(
                    r#"{{"op":"Replace","path":"displayName","value":"Ada {number}"}},{{"op":"Replace","path":"title","value":"Engineer {number}"}}"#
                );
                (format!("PATCH /Users/{known}"), patch(&operations))
            }
            Deed::Post => ("POST /Users".to_owned(), self.created(number)),
            Deed::Add(count) => {
                let members = listed(count, number, |out, id| {
                    write!(out, r#"{{"value":"{id}"}}"#)
                });
                let operation = format!(r#"{{"op":"Add","path":"members","value":[{members}]}}"#);
                (
                    format!("PATCH /Groups/t{}", number % TEAMS),
                    patch(&operation),
                )
            }
            Deed::Group(count) => (format!("GET /Groups/g{count}"), String::new()),
        };
        (line.replacen('/', "/scim/v2/", 1), body)
    }

    /// What the translators make of it. Of a group only the members are read.
    fn native(&self, deed: Deed, number: usize) -> (String, String) {
        let known = number % PEOPLE;
        match deed {
            Deed::Get => (format!("GET /people/{known}"), String::new()),
            Deed::Find => {
                let query = format!("login=user{known}%40example.com");
                (format!("GET /people?{query}"), String::new())
            }
            Deed::List(count) => (format!("GET /people?limit={count}&offset=0"), String::new()),
            Deed::Patch => {
                let body =
                    format!(r#"{{"display_name":"Ada {number}","job_title":"Engineer {number}"}}"#);
                (format!("PATCH /people/{known}"), body)
            }
            Deed::Post => ("POST /people".to_owned(), self.created(number)),
            Deed::Add(count) => {
                let members = listed(count, number, |out, id| write!(out, r#""{id}""#));
                let line = format!("POST /teams/t{}/members", number % TEAMS);
                (line, format!(r#"{{"add":[{members}]}}"#))
            }
            Deed::Group(count) => (format!("GET /teams/g{count}/members"), String::new()),
        }
    }

    fn created(&self, number: usize) -> String {
        self.user.replace(NUMBER, &number.to_string())
    }
}

/// Teams that members are added to.
const TEAMS: usize = 100;

fn patch(operations: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#
    )
}

/// So many people from `first` on, with commas between them.
fn listed(count: usize, first: usize, one: impl Fn(&mut String, usize) -> fmt::Result) -> String {
    let mut text = String::new();
    for number in first..first + count {
        let comma = if text.is_empty() { "" } else { "," };
        text.push_str(comma);
        one(&mut text, number % PEOPLE).unwrap();
    }
    text
}
