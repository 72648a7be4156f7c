//! Which paths are ours, without saying which of them exist.

use hyper::Method;

use crate::adapter::keys::TenantId;
use crate::scim::{Request, ResourceKind};
use crate::tenant::oauth::TOKEN_PATH;

/// A path below one of the two forms of Tenant URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route<'p> {
    /// The tenant the path names, unchecked; none in `/scim/v2`.
    pub(super) tenant: Option<&'p str>,
    /// `/scim/v2` or `/t/{tenant}/scim/v2`: the Tenant URL without its origin.
    pub(super) base: &'p str,
    /// What comes below it, still percent-encoded: empty or starting with `/`.
    pub(super) rest: &'p str,
}

const BASE: &str = "/scim/v2";
/// Where RFC 8414 §3 puts the metadata, before the path of the issuer.
const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";
/// What a path of OAuth leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint<'p> {
    /// Tokens, below a Tenant URL.
    Token(Route<'p>),
    /// What is published of the issuer of that Tenant URL, or of the one for all.
    Metadata(Option<Route<'p>>),
}

/// The path of a Tenant URL: `/t/acme/scim/v2`, or `/scim/v2` where it names no tenant.
pub fn tenant_path(tenant: Option<&TenantId>) -> String {
    match tenant {
        Some(tenant) => format!("/t/{tenant}{BASE}"),
        None => BASE.to_owned(),
    }
}

impl<'p> Endpoint<'p> {
    /// Reads a path; `None` if it leads elsewhere.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        match path.strip_prefix(METADATA_PATH) {
            Some("") => return Some(Self::Metadata(None)),
            Some(issuer) => {
                let route = Route::of(issuer).filter(|route| route.rest.is_empty())?;
                let is_named = route
                    .tenant
                    .is_none_or(|name| TenantId::parse(name).is_some());
                return is_named.then_some(Self::Metadata(Some(route)));
            }
            None => {}
        }
        let route = Route::of(path).filter(|route| route.rest == TOKEN_PATH)?;
        Some(Self::Token(route))
    }

    /// The path as logs and metrics may show it.
    fn template(self) -> &'static str {
        match self {
            Self::Token(_) => "/scim/v2/oauth2/token",
            Self::Metadata(_) => METADATA_PATH,
        }
    }
}

impl<'p> Route<'p> {
    /// The path of the Tenant URL that names no tenant.
    pub(super) const SHARED: &'static str = BASE;

    /// Reads a path; `None` if it is not below a Tenant URL.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        let (tenant, below) = match path.strip_prefix("/t/") {
            Some(named) => {
                let end = named.find('/')?;
                (named.get(..end), named.get(end..)?)
            }
            None => (None, path),
        };
        let rest = below.strip_prefix(BASE)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let base = path.get(..path.len() - rest.len())?;
        Some(Self { tenant, base, rest })
    }

    /// The segments below the Tenant URL; empty ones (`//`, a slash at the end) do not count.
    fn segments(&self) -> impl Iterator<Item = &'p str> {
        self.rest.split('/').filter(|segment| !segment.is_empty())
    }
}

/// The path as logs may show it: endpoints by name, everything else by kind.
pub(super) fn template(path: &str) -> &'static str {
    match full(path).strip_prefix(BASE) {
        Some("") => "/",
        below => below.unwrap_or("other"),
    }
}

/// The same below `/scim/v2`, for both forms of Tenant URL.
pub(super) fn full(path: &str) -> &'static str {
    let Some(route) = Route::of(path) else {
        return Endpoint::of(path).map_or("other", Endpoint::template);
    };
    let mut segments = route.segments();
    match (segments.next(), segments.next(), segments.next()) {
        (Some("Users"), None, _) => "/scim/v2/Users",
        (Some("Users"), Some(".search"), None) => "/scim/v2/Users/.search",
        (Some("Groups"), Some(".search"), None) => "/scim/v2/Groups/.search",
        (Some("Users"), Some(_), None) => "/scim/v2/Users/{id}",
        (Some("Groups"), None, _) => "/scim/v2/Groups",
        (Some("Groups"), Some(_), None) => "/scim/v2/Groups/{id}",
        (Some("Bulk"), None, _) => "/scim/v2/Bulk",
        (Some("oauth2"), Some("token"), None) => "/scim/v2/oauth2/token",
        (None, ..) => "/scim/v2",
        (Some(".search"), None, _) => "/scim/v2/.search",
        (Some("ServiceProviderConfig"), None, _) => "/scim/v2/ServiceProviderConfig",
        (Some("ResourceTypes"), None, _) => "/scim/v2/ResourceTypes",
        (Some("ResourceTypes"), Some(_), None) => "/scim/v2/ResourceTypes/{id}",
        (Some("Schemas"), None, _) => "/scim/v2/Schemas",
        (Some("Schemas"), Some(_), None) => "/scim/v2/Schemas/{id}",
        _ => "other",
    }
}

/// Method and template of an operation inside a bulk request.
pub(super) fn of_request(request: &Request) -> (&'static str, &'static str) {
    let (method, kind, one) = match request {
        Request::Create { kind, .. } => ("POST", kind, false),
        Request::Replace { kind, .. } => ("PUT", kind, true),
        Request::Patch { kind, .. } => ("PATCH", kind, true),
        Request::Delete { kind, .. } => ("DELETE", kind, true),
        Request::Get { kind, .. } => ("GET", kind, true),
        Request::List { kind, .. } => ("GET", kind, false),
        _ => return ("GET", "other"),
    };
    let route = match (kind, one) {
        (ResourceKind::User, false) => "/Users",
        (ResourceKind::User, true) => "/Users/{id}",
        (ResourceKind::Group, false) => "/Groups",
        (ResourceKind::Group, true) => "/Groups/{id}",
    };
    (method, route)
}

/// The method as logs may show it: an invented one is a stranger's text.
pub(super) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<(Option<&str>, &str, &str)>) {
        let route = Route::of(path).map(|route| (route.tenant, route.base, route.rest));
        assert_eq!(route, expect, "{path}");
    }

    // R192: another version than v2 is nowhere.
    #[test]
    fn both_forms_of_tenant_url_are_read_and_nothing_else() {
        check("/scim/v2", Some((None, "/scim/v2", "")));
        check("/scim/v2/Users", Some((None, "/scim/v2", "/Users")));
        check("/scim/v2//Users/", Some((None, "/scim/v2", "//Users/")));
        check(
            "/t/acme/scim/v2/Users/1",
            Some((Some("acme"), "/t/acme/scim/v2", "/Users/1")),
        );
        check(
            "/t//scim/v2/Users",
            Some((Some(""), "/t//scim/v2", "/Users")),
        );
        for other in [
            "/",
            "*",
            "",
            "/scim",
            "/scim/v1/Users",
            "/scim/v3/Users",
            "/scim/Users",
            "/scim/v2x",
            "/scim/v22/Users",
            "/SCIM/v2/Users",
            "/%73cim/v2/Users",
            "//scim/v2/Users",
            "/t/acme",
            "/t/acme/scim",
            "/t/a/b/scim/v2",
            "/t/a%2fb/scim/v1",
            "/x/scim/v2/Users",
            "/livez",
            "/t/scim/v2/Users",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn a_template_never_shows_what_a_stranger_wrote() {
        assert_eq!(
            template("/t/acme/scim/v2/Users/anna@example.com"),
            "/Users/{id}"
        );
        assert_eq!(template("/scim/v2/Groups/"), "/Groups");
        assert_eq!(template("/scim/v2/Users/1/2"), "other");
        assert_eq!(template("/scim/v2/anna"), "other");
        assert_eq!(template("/anna"), "other");
        assert_eq!(template("/scim/v2/"), "/");
        assert_eq!(full("/t/acme/scim/v2/Users/1"), "/scim/v2/Users/{id}");
        assert_eq!(full("/anna"), "other");
        assert_eq!(template("/t/acme/scim/v2/oauth2/token"), "/oauth2/token");
        let published = "/.well-known/oauth-authorization-server";
        assert_eq!(full(&format!("{published}/t/acme/scim/v2")), published);
        assert_eq!(full(&format!("{published}/anna")), "other");
    }

    #[test]
    fn paths_of_oauth_are_read_and_nothing_else() {
        let route = |path| Route::of(path).unwrap();
        let published = |below: &str| format!("{METADATA_PATH}{below}");
        for path in ["/scim/v2/oauth2/token", "/t/acme/scim/v2/oauth2/token"] {
            assert_eq!(Endpoint::of(path), Some(Endpoint::Token(route(path))));
        }
        let issuers = ["", "/scim/v2", "/t/acme/scim/v2"];
        for issuer in issuers {
            let expect = Endpoint::Metadata(Route::of(issuer));
            assert_eq!(Endpoint::of(&published(issuer)), Some(expect));
        }
        for other in [
            "/oauth2/token",
            "/t/acme/oauth2/token",
            "/scim/v2/oauth2/token/",
            "/scim/v2//oauth2/token",
            "/scim/v2/oauth2/Token",
            "/scim/v2/oauth2/token/Users",
            &published("/"),
            &published("/t//scim/v2"),
            &published("/t/A%20B/scim/v2"),
            &published("/scim/v2/Users"),
            &published("x"),
        ] {
            assert_eq!(Endpoint::of(other), None, "{other}");
        }
    }
}
