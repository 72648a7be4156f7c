//! The table of all there is to ask, with the role it takes.

use std::fmt;

use hyper::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use super::ask::Ask;
use super::bodies;
use super::refusal::Refusal;
use super::{BASE, ONBOARDING};
use crate::adapter::keys::TenantId;
use crate::tenant::stored::{Customer, Service};
use crate::tenant::token::KeyId;
use crate::tenant::token::admin::Role;
use crate::tenant::token::onboarding::Scope;

/// One row.
#[derive(Debug)]
pub struct Route {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: Method,
    /// Below [`base`](Self::base), with `{names}` for parts that vary.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// What the audit calls it; `None` for what changes nothing.
    pub deed: Option<&'static str>,
    /// In a sentence.
    pub summary: &'static str,
    /// What its body is.
    pub(super) body: Option<Shape>,
    /// What its answer is; `None` is none.
    pub(super) answer: Option<Shape>,
    read: Reading,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Administrators of this role, and of those above.
    Role(Role),
    /// Consoles of vendors, each about its own adapter's tenants; administrators may not.
    Console,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => role.fmt(f),
            Self::Console => f.pad("console"),
        }
    }
}

/// How a row becomes an [`Ask`].
type Reading = fn(&Given<'_>) -> Result<Ask, Refusal>;

/// How an object is described.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// How values of a type are described.
pub fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Of what [`document`](super::document) is told, or has another place where it is described: the
/// page of its verb, or a schema of its own.
fn object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": true})
}

/// A list of them.
fn objects(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": object(generator)})
}

/// What a request gives beside its method: the varying parts of its path, in
/// order, and its body (null is none).
pub(super) struct Given<'r> {
    pub(super) parts: Vec<&'r str>,
    pub(super) query: &'r str,
    pub(super) body: Value,
    /// Of the console that asks.
    pub(super) scope: Option<&'r Scope>,
}

/// All there is to ask.
pub static ROUTES: &[Route] = &[
    look(
        "/status",
        "What is running, what is on disk, and how every tenant is doing.",
        |_| Ok(Ask::Status),
    )
    .answering(object),
    look("/diff", "What a reload would change.", |_| Ok(Ask::Diff)).answering(object),
    look("/tenants", "All tenants and how they are doing.", |_| {
        Ok(Ask::Tenants)
    })
    .answering(objects),
    look("/tenants/{tenant}", "One tenant.", |given| {
        Ok(Ask::Tenant(given.tenant()?))
    })
    .answering(object),
    look(
        "/tenants/{tenant}/events",
        "A tenant's provisioning log, newest first.",
        |given| {
            Ok(Ask::Events {
                tenant: Some(given.tenant()?),
                query: given.query(),
            })
        },
    )
    .answering(object),
    look(
        "/events",
        "The provisioning log of all tenants. Query: status, action, code, target, identity, since, until, count, before, after.",
        |given| {
            Ok(Ask::Events {
                tenant: None,
                query: given.query(),
            })
        },
    )
    .answering(object),
    look(
        "/events/{request}",
        "What happened to one request, by its X-Request-Id.",
        |given| Ok(Ask::Event(given.part(0).to_owned())),
    )
    .answering(objects),
    look(
        "/tenants/{tenant}/definition",
        "Where a tenant comes from and its keys, without its secrets.",
        |given| Ok(Ask::Definition(given.tenant()?)),
    )
    .answering(shape::<bodies::Definition>),
    change(Method::POST, "/tenants", Role::Editor, "tenant.add", |given| {
        let bodies::NewTenant { name, tenant } = given.body()?;
        Ok(Ask::AddTenant {
            tenant: name,
            document: tenant,
        })
    })
    .about("Creates a tenant in the store, from its name and the keys of a tenant file. Secrets are stored encrypted.")
    .taking(shape::<bodies::NewTenant>)
    .answering(shape::<bodies::Definition>),
    change(Method::PATCH, "/tenants/{tenant}", Role::Editor, "tenant.change", |given| {
        Ok(Ask::ChangeTenant {
            tenant: given.tenant()?,
            patch: given.body()?,
        })
    })
    .about("Changes the keys of a tenant in the store that the body has (RFC 7396). The change is live when the answer comes.")
    .taking(shape::<bodies::TenantDocument>)
    .answering(shape::<bodies::Definition>),
    change(Method::POST, "/tenants/{tenant}/disable", Role::Editor, "tenant.disable", |given| {
        given.service(Service::Off)
    })
    .about("Disables a tenant in the store: its requests are answered 503, and its tokens stay.")
    .answering(shape::<bodies::Definition>),
    change(Method::POST, "/tenants/{tenant}/enable", Role::Editor, "tenant.enable", |given| {
        given.service(Service::On)
    })
    .about("Enables it again.")
    .answering(shape::<bodies::Definition>),
    change(Method::DELETE, "/tenants/{tenant}", Role::Editor, "tenant.delete", |given| {
        given.service(Service::Deleted)
    })
    .about("Deletes a tenant in the store with all its data, and revokes its tokens. Its name cannot be used again."),
    look(
        "/tenants/{tenant}/tokens",
        "A tenant's tokens and client secrets, without the secrets themselves.",
        |given| Ok(Ask::Tokens(given.tenant()?)),
    )
    .answering(shape::<Vec<bodies::TokenStatus>>),
    change(Method::POST, "/tenants/{tenant}/tokens", Role::Operator, "token.mint", |given| {
        let body = given.body::<Option<bodies::Mint>>()?;
        let bodies::Mint { expires, oauth } = body.unwrap_or_default();
        Ok(Ask::Mint {
            tenant: given.tenant()?,
            expires,
            oauth,
        })
    })
    .about("A new token, or with \"oauth\": true a new secret of its OAuth client; shown only once. The body is optional.")
    .taking(shape::<bodies::Mint>)
    .answering(shape::<bodies::Minted>),
    change(Method::DELETE, "/tenants/{tenant}/tokens/{key}", Role::Operator, "token.revoke", |given| {
        Ok(Ask::Revoke {
            tenant: given.tenant()?,
            key: given.key()?,
        })
    })
    .about("Revokes a token or a client secret permanently."),
    change(Method::POST, "/tenants/{tenant}/dry-run", Role::Operator, "dry-run", |given| {
        let bodies::DryRun { requests, read } = given.body()?;
        Ok(Ask::DryRun {
            tenant: given.tenant()?,
            requests,
            read,
        })
    })
    .about("What requests would do; nothing is sent, with \"read\": true only reads.")
    .taking(shape::<bodies::DryRun>)
    .answering(object),
    change(Method::POST, "/reload", Role::Operator, "reload", |_| {
        Ok(Ask::Reload { force: false })
    })
    .about("Loads all files again; if one fails, its last good version stays in use.")
    .answering(object),
    change(Method::POST, "/reload/forced", Role::Editor, "reload.forced", |_| {
        Ok(Ask::Reload { force: true })
    })
    .about("The same, also when more than half of the tenants' files are gone.")
    .answering(object),
    look(
        "/config",
        "The effective configuration, with every default.",
        |_| Ok(Ask::Config),
    )
    .answering(object),
    look("/audit", "What administrators did, newest first.", |_| {
        Ok(Ask::Audit)
    })
    .answering(objects),
    look("/openapi.json", "This table.", |_| Ok(Ask::Routes)).answering(object),
    change(Method::POST, "/customers", Role::Editor, "customer.onboard", |given| {
        Ok(Ask::Onboard {
            scope: given.scope()?,
            body: given.body()?,
        })
    })
    .about("Creates a customer's tenant if there is none, and a new secret for it, which is shown only once; with texts to show.")
    .taking(shape::<bodies::Onboard>)
    .answering(shape::<bodies::Onboarded>)
    .of_consoles(),
    look("/customers/{customer}", "A customer's tenant and its tokens, without the secrets themselves.", |given| {
        Ok(Ask::Customer {
            scope: given.scope()?,
            customer: given.customer()?,
        })
    })
    .answering(shape::<bodies::CustomerStatus>)
    .of_consoles(),
    change(Method::DELETE, "/customers/{customer}/tokens/{key}", Role::Editor, "customer.end-token", |given| {
        Ok(Ask::EndToken {
            scope: given.scope()?,
            customer: given.customer()?,
            key: given.key()?,
        })
    })
    .about("Revokes a token or client secret of a customer's tenant permanently.")
    .of_consoles(),
    look("/openapi.json", "This table, for consoles too.", |_| Ok(Ask::Routes)).answering(object).of_consoles(),
];

/// A row that changes nothing.
const fn look(path: &'static str, summary: &'static str, read: Reading) -> Route {
    Route {
        method: Method::GET,
        path,
        access: Access::Role(Role::Viewer),
        deed: None,
        summary,
        body: None,
        answer: None,
        read,
    }
}

/// A row that changes something.
const fn change(
    method: Method,
    path: &'static str,
    role: Role,
    deed: &'static str,
    read: Reading,
) -> Route {
    Route {
        method,
        path,
        access: Access::Role(role),
        deed: Some(deed),
        summary: "",
        body: None,
        answer: None,
        read,
    }
}

impl Route {
    const fn about(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    const fn taking(mut self, body: Shape) -> Self {
        self.body = Some(body);
        self
    }

    const fn answering(mut self, answer: Shape) -> Self {
        self.answer = Some(answer);
        self
    }

    const fn of_consoles(mut self) -> Self {
        self.access = Access::Console;
        self
    }

    /// Where its path begins.
    pub fn base(&self) -> &'static str {
        match self.access {
            Access::Role(_) => BASE,
            Access::Console => ONBOARDING,
        }
    }

    /// The row of a method and path, and the varying parts of the path.
    ///
    /// # Errors
    /// 404, or 405 with what would do.
    pub(super) fn find<'r>(
        method: &Method,
        path: &'r str,
    ) -> Result<(&'static Self, Vec<&'r str>), Refusal> {
        let rows = ROUTES.iter().filter_map(|row| {
            let below = path.strip_prefix(row.base())?;
            Some((row, matched(row.path, below)?))
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            let help = format!("GET {BASE}/openapi.json lists every path");
            return Err(Refusal::missing("there is no such path", help));
        }
        let known: Vec<&str> = rows.iter().map(|(row, _)| row.method.as_str()).collect();
        let known = known.join(", ");
        let found = rows.into_iter().find(|(row, _)| row.method == *method);
        found.ok_or_else(|| {
            Refusal::new(
                405,
                "method_not_allowed",
                format!("this path does not know {method}"),
                format!("it knows {known}"),
            )
        })
    }

    /// Reads what is asked.
    ///
    /// # Errors
    /// 400: something in it has not the form it must have.
    pub(super) fn read(&self, given: &Given<'_>) -> Result<Ask, Refusal> {
        (self.read)(given)
    }
}

/// The varying parts of `path`, if it fits `template`.
fn matched<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let (mut wanted, mut there) = (template.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (wanted.next(), there.next()) {
            (None, None) => return Some(parts),
            (Some(name), Some(part)) if name.starts_with('{') => parts.push(part),
            (Some(name), Some(part)) if name == part => {}
            _ => return None,
        }
    }
}

impl Given<'_> {
    fn part(&self, index: usize) -> &str {
        self.parts.get(index).copied().unwrap_or_default()
    }

    /// A console's routes are reached by consoles only.
    fn scope(&self) -> Result<Scope, Refusal> {
        self.scope.cloned().ok_or_else(Refusal::bad_console)
    }

    fn customer(&self) -> Result<Customer, Refusal> {
        let customer = Customer::parse(self.part(0));
        customer.ok_or_else(|| {
            let message = format!("`{}` cannot be a customer's id", self.part(0));
            Refusal::invalid(message, Customer::FORM)
        })
    }

    fn service(&self, service: Service) -> Result<Ask, Refusal> {
        Ok(Ask::Serve {
            tenant: self.tenant()?,
            service,
        })
    }

    fn tenant(&self) -> Result<TenantId, Refusal> {
        let name = self.part(0);
        let tenant = TenantId::parse(name);
        tenant.ok_or_else(|| {
            Refusal::invalid(
                format!("`{name}` cannot be the name of a tenant"),
                TenantId::FORM,
            )
        })
    }

    /// Names and values, unquoted.
    fn query(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    fn key(&self) -> Result<KeyId, Refusal> {
        let help = "a key id is eight letters and digits: those after scg_ or scs_";
        let key = KeyId::parse(self.part(1));
        key.ok_or_else(|| Refusal::invalid(format!("`{}` is no key id", self.part(1)), help))
    }

    fn body<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Refusal> {
        T::deserialize(&self.body).map_err(|error| {
            let help = "GET openapi.json says what each path takes";
            Refusal::invalid(format!("the body does not fit: {error}"), help)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, expect: Result<Ask, u16>) {
        let found = Route::find(&method, path).and_then(|(route, parts)| {
            let body = Value::Null;
            route.read(&Given {
                parts,
                query: "",
                body,
                scope: None,
            })
        });
        assert_eq!(found.map_err(|refusal| refusal.status), expect, "{path}");
    }

    #[test]
    fn a_path_is_read_or_refused() {
        check(Method::GET, "/admin/v1/status", Ok(Ask::Status));
        check(
            Method::POST,
            "/admin/v1/reload/forced",
            Ok(Ask::Reload { force: true }),
        );
        check(Method::POST, "/admin/v1/status", Err(405));
        check(Method::GET, "/admin/v1/status/", Err(404));
        check(Method::GET, "/status", Err(404));
        check(Method::GET, "/admin/v1/tenants/A%20B", Err(400));
        check(
            Method::DELETE,
            "/admin/v1/tenants/acme/tokens/short",
            Err(400),
        );
        check(Method::GET, "", Err(404));
    }

    #[test]
    fn what_changes_something_is_audited_and_takes_more_than_looking() {
        for route in ROUTES {
            let changes = route.method != Method::GET;
            assert_eq!(route.deed.is_some(), changes, "{}", route.path);
            if let Access::Role(role) = route.access {
                assert_eq!(role > Role::Viewer, changes, "{}", route.path);
            }
        }
    }
}
