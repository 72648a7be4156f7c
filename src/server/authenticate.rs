//! From a token to the tenant it belongs to, before the body is read.

use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::rescue::Rejection;
use super::route::Route;
use super::{Admission, Application};
use crate::script::fault::GatewayFault;
use crate::tenant::token::AuthFault;

/// Finds the tenant of the request's bearer token (RFC 6750 §2.1).
///
/// A path that names a tenant must name the token's own. If not, the answer is
/// that of an unknown token, so that nobody learns which tenants exist.
pub(super) async fn authenticate(
    application: &dyn Application,
    headers: &HeaderMap,
    route: &Route<'_>,
) -> Result<Rc<dyn Admission>, Rejection> {
    let token = bearer(headers).ok_or(Rejection::NoToken)?;
    let admission = application.authenticate(token, route.tenant).await;
    let admission = admission
        .map_err(|fault| ours(fault).unwrap_or_else(|| Rejection::BadToken(fault.to_string())))?;
    let tenant = admission.tenant().as_str();
    if route.tenant.is_some_and(|named| named != tenant) {
        return Err(Rejection::BadToken(
            "the token belongs to another tenant than the path names".to_owned(),
        ));
    }
    tracing::Span::current().record("tenant", tenant);
    Ok(admission)
}

/// The rejection for a fault that is not the caller's.
pub(super) fn ours(fault: AuthFault) -> Option<Rejection> {
    match fault {
        AuthFault::StoreUnavailable => {
            let why = "the tokens cannot be read".to_owned();
            Some(GatewayFault::StoreUnavailable(why).into())
        }
        AuthFault::KeysUnavailable => Some(Rejection::NoKeys),
        AuthFault::TenantUnavailable => Some(GatewayFault::TenantUnavailable.into()),
        _ => None,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let credential = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = credential.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[track_caller]
    fn check(credential: &'static str, expect: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(credential));
        assert_eq!(bearer(&headers), expect, "{credential:?}");
    }

    #[test]
    fn only_a_bearer_token_counts() {
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic YTpi", None);
        check("Bearer", None);
        check("Bearer ", None);
        check("abc", None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
