//! The table of all there is to ask, with the role it takes.

use hyper::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::BASE;
use super::ask::Ask;
use super::refusal::Refusal;
use crate::adapter::keys::TenantId;
use crate::tenant::token::KeyId;
use crate::tenant::token::admin::Role;

/// One row.
#[derive(Debug)]
pub struct Route {
    /// `GET`, `POST` or `DELETE`.
    pub method: Method,
    /// Below [`BASE`], with `{names}` for parts that vary.
    pub path: &'static str,
    /// Who may, and those above.
    pub role: Role,
    /// What the audit calls it; `None` for what changes nothing.
    pub deed: Option<&'static str>,
    /// In a sentence.
    pub summary: &'static str,
    read: Reading,
}

/// How a row becomes an [`Ask`].
type Reading = fn(&Given<'_>) -> Result<Ask, Refusal>;

/// What a request gives beside its method: the varying parts of its path, in
/// order, and its body (null is none).
pub(super) struct Given<'r> {
    pub(super) parts: Vec<&'r str>,
    pub(super) query: &'r str,
    pub(super) body: Value,
}

/// All there is to ask.
pub static ROUTES: &[Route] = &[
    look(
        "/status",
        "What is running, what is on disk, and how every tenant is doing.",
        |_| Ok(Ask::Status),
    ),
    look("/diff", "What a reload would change.", |_| Ok(Ask::Diff)),
    look("/tenants", "All tenants and how they are doing.", |_| {
        Ok(Ask::Tenants)
    }),
    look("/tenants/{tenant}", "One tenant.", |given| {
        Ok(Ask::Tenant(given.tenant()?))
    }),
    look(
        "/tenants/{tenant}/events",
        "A tenant's provisioning log, newest first.",
        |given| {
            Ok(Ask::Events {
                tenant: Some(given.tenant()?),
                query: given.query(),
            })
        },
    ),
    look(
        "/events",
        "The provisioning log of all tenants. Query: status, action, code, target, identity, since, until, count, before, after.",
        |given| {
            Ok(Ask::Events {
                tenant: None,
                query: given.query(),
            })
        },
    ),
    look(
        "/events/{request}",
        "What happened to one request, by its X-Request-Id.",
        |given| Ok(Ask::Event(given.part(0).to_owned())),
    ),
    look(
        "/tenants/{tenant}/tokens",
        "A tenant's tokens and client secrets: what is kept of them.",
        |given| Ok(Ask::Tokens(given.tenant()?)),
    ),
    Route {
        method: Method::POST,
        path: "/tenants/{tenant}/tokens",
        role: Role::Operator,
        deed: Some("token.mint"),
        summary: "A new token, or with \"oauth\": true a new secret of its OAuth client; shown this once. Body: {\"expires\": time or null, \"oauth\": false}, or none.",
        read: |given| {
            let body = given.body::<Option<MintBody>>()?;
            let MintBody { expires, oauth } = body.unwrap_or_default();
            Ok(Ask::Mint {
                tenant: given.tenant()?,
                expires,
                oauth,
            })
        },
    },
    Route {
        method: Method::DELETE,
        path: "/tenants/{tenant}/tokens/{key}",
        role: Role::Operator,
        deed: Some("token.revoke"),
        summary: "Revokes a token or a client secret, for good.",
        read: |given| {
            Ok(Ask::Revoke {
                tenant: given.tenant()?,
                key: given.key()?,
            })
        },
    },
    Route {
        method: Method::POST,
        path: "/tenants/{tenant}/dry-run",
        role: Role::Operator,
        deed: Some("dry-run"),
        summary: "What requests would lead to; nothing is sent, with \"read\": true only reads. Body: {\"requests\": text of a file for `scimgate dry-run`, \"read\": false}.",
        read: |given| {
            let DryRunBody { requests, read } = given.body()?;
            Ok(Ask::DryRun {
                tenant: given.tenant()?,
                requests,
                read,
            })
        },
    },
    Route {
        method: Method::POST,
        path: "/reload",
        role: Role::Operator,
        deed: Some("reload"),
        summary: "Loads everything again; what fails keeps its last good version.",
        read: |_| Ok(Ask::Reload { force: false }),
    },
    Route {
        method: Method::POST,
        path: "/reload/forced",
        role: Role::Editor,
        deed: Some("reload.forced"),
        summary: "The same, also when more than half of the tenants' files are gone.",
        read: |_| Ok(Ask::Reload { force: true }),
    },
    look(
        "/config",
        "The configuration in force, with every default.",
        |_| Ok(Ask::Config),
    ),
    look("/audit", "What administrators did, newest first.", |_| {
        Ok(Ask::Audit)
    }),
    look("/openapi.json", "This table.", |_| Ok(Ask::Routes)),
];

/// A row that changes nothing.
const fn look(path: &'static str, summary: &'static str, read: Reading) -> Route {
    Route {
        method: Method::GET,
        path,
        role: Role::Viewer,
        deed: None,
        summary,
        read,
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MintBody {
    #[serde(default)]
    expires: Option<Timestamp>,
    #[serde(default)]
    oauth: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DryRunBody {
    requests: String,
    #[serde(default)]
    read: bool,
}

impl Route {
    /// The row of a method and path, and the varying parts of the path.
    ///
    /// # Errors
    /// 404, or 405 with what would do.
    pub(super) fn find<'r>(
        method: &Method,
        path: &'r str,
    ) -> Result<(&'static Self, Vec<&'r str>), Refusal> {
        let below = path.strip_prefix(BASE).unwrap_or_default();
        let rows = ROUTES
            .iter()
            .filter_map(|row| Some((row, matched(row.path, below)?)));
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
        let help = "a key id is eight letters and digits, those behind scg_ or scs_";
        let key = KeyId::parse(self.part(1));
        key.ok_or_else(|| Refusal::invalid(format!("`{}` is no key id", self.part(1)), help))
    }

    fn body<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Refusal> {
        T::deserialize(&self.body).map_err(|error| {
            let help = "GET /admin/v1/openapi.json says what each path takes";
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
            assert_eq!(route.role > Role::Viewer, changes, "{}", route.path);
        }
    }
}
