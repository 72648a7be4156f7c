//! From a script's path to an absolute URL that cannot leave the tenant's base.

use std::borrow::Cow;

use bytes::Bytes;
use hyper::Uri;
use url::Url;

/// The URL of a call: `base` (scheme, host, port, path) followed by `path`.
/// `Err` says what is wrong with the path, for whoever wrote the script.
pub(super) fn join(base: &Url, path: &str) -> Result<Uri, String> {
    let path = &*below(base, path)?;
    inspect(path)?;
    let host = base
        .host_str()
        .filter(|_| matches!(base.scheme(), "http" | "https"));
    let host = host.ok_or("the tenant's base_url is not an http or https URL")?;
    let port = base
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let below = base.path().trim_end_matches('/');
    let text = format!("{}://{host}{port}{below}{path}", base.scheme());
    let uri = Uri::from_maybe_shared(Bytes::from(text)).map_err(|e| format!("not a URL: {e}"))?;
    stays(&uri, base, host, below)
        .then_some(uri)
        .ok_or_else(|| "the path leaves base_url".into())
}

/// What of a link follows the base URL; a path is that already. Vendors give the address of the
/// next page whole, and one that leads elsewhere would take the credential there.
fn below<'p>(base: &Url, path: &'p str) -> Result<Cow<'p, str>, String> {
    if !path.starts_with("https://") && !path.starts_with("http://") {
        return Ok(path.into());
    }
    let is_bare = |link: &Url| link.username().is_empty() && link.password().is_none();
    let link = Url::parse(path).ok().filter(is_bare);
    let link = link.filter(|link| link.origin() == base.origin());
    let rest = link.as_ref().and_then(|link| {
        let path = link
            .path()
            .strip_prefix(base.path().trim_end_matches('/'))?;
        let query = link.query().map(|query| format!("?{query}"));
        Some(format!("{path}{}", query.unwrap_or_default()))
    });
    let rest = rest.ok_or("the link leads out of the tenant's base_url")?;
    Ok(rest.into())
}

/// The first path segment: all of a path that is fit for a log, as the rest may
/// name people.
pub(super) fn first_segment(path: &str) -> &str {
    let path = path.trim_start_matches('/');
    path.split(['/', '?']).next().unwrap_or_default()
}

/// Second line of defence: what the parser made of the joined text is compared
/// with the base it was made from.
fn stays(uri: &Uri, base: &Url, host: &str, below: &str) -> bool {
    uri.scheme_str() == Some(base.scheme())
        && uri.host() == Some(host)
        && uri.port_u16() == base.port()
        && uri
            .path()
            .strip_prefix(below)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn inspect(call: &str) -> Result<(), String> {
    inspect_quoting(call).map_err(|what| {
        format!("{what}: the path is not quoted; wrap each value in segment() or query()")
    })?;
    let path = call.split('?').next().unwrap_or_default();
    match path.split('/').find(|segment| climbs(segment)) {
        Some(_) => Err(
            "a value in the path holds `..` between separators, which servers may read as a way up"
                .into(),
        ),
        None => Ok(()),
    }
}

fn inspect_quoting(call: &str) -> Result<(), String> {
    let (path, query) = call.split_once('?').unwrap_or((call, ""));
    let rest = path.strip_prefix('/').ok_or("a path starts with `/`")?;
    if let Some(bad) = path.bytes().find(|b| !is_path_byte(*b)) {
        return Err(format!("`{}` in the path", bad.escape_ascii()));
    }
    if let Some(bad) = query.bytes().find(|b| !is_query_byte(*b)) {
        return Err(format!("`{}` in the query", bad.escape_ascii()));
    }
    if percent_is_bare(call) {
        return Err("a bare `%`".into());
    }
    // A last empty segment is a trailing slash, which some vendors insist on.
    let segments = rest.strip_suffix('/').unwrap_or(rest);
    if path != "/" && segments.split('/').any(str::is_empty) {
        return Err("an empty segment (`//`)".into());
    }
    segments.split('/').try_for_each(inspect_segment)
}

fn inspect_segment(segment: &str) -> Result<(), String> {
    let plain: Cow<'_, [u8]> = percent_encoding::percent_decode_str(segment).into();
    match &*plain {
        b"." | b".." => Err(format!("`{segment}` as a segment")),
        bytes if bytes.iter().any(u8::is_ascii_control) => Err("a control byte in the path".into()),
        _ => Ok(()),
    }
}

/// Whether some server makes a way up of a segment: decoding it once or twice, taking `\` for `/`,
/// or leaving parameters (RFC 3986 §3.3) away before dots are resolved. Dots alone are judged by
/// [`inspect_segment`], which says how to quote them.
fn climbs(segment: &str) -> bool {
    if !segment.contains(['.', '%']) {
        return false;
    }
    let mut plain = segment.as_bytes().to_vec();
    for _ in 0..3 {
        let mut parts = plain.split(|byte| matches!(byte, b'/' | b'\\'));
        if parts.any(|part| matches!(part.split(|byte| *byte == b';').next(), Some(b"." | b".."))) {
            return true;
        }
        plain = percent_encoding::percent_decode(&plain).collect();
    }
    false
}

fn percent_is_bare(text: &str) -> bool {
    let mut after = text.split('%').skip(1).map(str::as_bytes);
    after.any(|rest| !matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// RFC 3986 §3.3 `pchar`, `%` and `/`.
fn is_path_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&b)
}

/// RFC 3986 §3.4, and the brackets of `filter[name]=`, which vendors' own
/// documents write bare.
fn is_query_byte(b: u8) -> bool {
    is_path_byte(b) || b"?[]".contains(&b)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://user:pw@api.example.com:8443/provisioning/v1/").unwrap()
    }

    #[track_caller]
    fn joins(path: &str, expect: &str) {
        assert_eq!(join(&base(), path).unwrap().to_string(), expect);
    }

    #[track_caller]
    fn refused(path: &str, why: &str) {
        let message = join(&base(), path).unwrap_err();
        assert!(message.starts_with(why), "{path}: {message}");
        assert!(message.contains("segment()"), "{path}: {message}");
    }

    #[test]
    fn a_path_is_appended_to_the_base_path() {
        joins(
            "/users",
            "https://api.example.com:8443/provisioning/v1/users",
        );
        joins(
            "/users/a..b",
            "https://api.example.com:8443/provisioning/v1/users/a..b",
        );
        joins(
            "/users/?q=a..b//c?d",
            "https://api.example.com:8443/provisioning/v1/users/?q=a..b//c?d",
        );
        joins(
            "/u?filter[mail]=a%40b%0A",
            "https://api.example.com:8443/provisioning/v1/u?filter[mail]=a%40b%0A",
        );
        joins(
            "/users/a%2Fb@c",
            "https://api.example.com:8443/provisioning/v1/users/a%2Fb@c",
        );
        joins("/", "https://api.example.com:8443/provisioning/v1/");
    }

    #[test]
    fn a_base_without_a_path_and_ipv6_hosts_work() {
        let join = |base: &str| {
            join(&Url::parse(base).unwrap(), "/users")
                .unwrap()
                .to_string()
        };
        assert_eq!(join("http://[::1]:81"), "http://[::1]:81/users");
        assert_eq!(
            join("https://Vendor.Example:443/"),
            "https://vendor.example/users"
        );
    }

    #[test]
    fn a_link_below_the_base_is_followed_and_no_other() {
        let page = "https://api.example.com:8443/provisioning/v1/users?after=a%2Fb";
        joins(page, page);
        joins(
            "https://API.example.com:8443/provisioning/v1/u#x",
            "https://api.example.com:8443/provisioning/v1/u",
        );
        for link in [
            "https://evil.example/provisioning/v1/users",
            "https://api.example.com/provisioning/v1/users",
            "http://api.example.com:8443/provisioning/v1/users",
            "https://api.example.com:8443/provisioning/v2/users",
            "https://api.example.com:8443/provisioning/v1/../v2/users",
            "https://a@api.example.com:8443/provisioning/v1/users",
            "https://api.example.com:8443@evil.example/provisioning/v1/users",
            "https://evil.example/",
        ] {
            let message = join(&base(), link).unwrap_err();
            assert!(message.contains("leads out of"), "{link}: {message}");
        }
        let sibling = "https://api.example.com:8443/provisioning/v10/users";
        assert!(join(&base(), sibling).is_err());
        let doubled = "https://api.example.com:8443/provisioning/v1/a/%2e%2e%2fb";
        assert!(join(&base(), doubled).is_err());
    }

    #[test]
    fn a_path_that_could_leave_the_base_is_refused() {
        for path in [
            "",
            "users",
            "@evil.example/x",
            ":80/x",
            ".evil.example/",
            "?x=1",
        ] {
            refused(path, "a path starts with");
        }
        for path in ["//evil.example/x", "/users//1", "/users//"] {
            refused(path, "an empty segment");
        }
        for path in [
            "/..",
            "/a/../b",
            "/a/..",
            "/a/../",
            "/./a",
            "/%2e%2E/a",
            "/.%2e?x",
        ] {
            refused(path, "`");
        }
        for path in [
            "/a\\b",
            "/a b",
            "/a#b",
            "/a\r\nHost:x",
            "/a\0",
            "/ü",
            "/a<b",
            "/a{b}",
            "/a[1]",
        ] {
            refused(path, "`");
        }
        for path in ["/a?b c", "/a?b#c", "/a?b\\c", "/a?ü", "/a?b\nc", "/a?b|c"] {
            refused(path, "`");
        }
        for path in ["/100%", "/a%2", "/a%zz", "/a?b=5%"] {
            refused(path, "a bare `%`");
        }
        for path in [
            "/a/..;/b",
            "/..;x=1/b",
            "/..%2fadmin",
            "/a%2f..%2fb",
            "/..%5cadmin",
            "/a%5C..",
            "/%2e%2e%2fadmin",
            "/%252e%252e%252fadmin",
            "/.%3b/b",
        ] {
            let message = join(&base(), path).unwrap_err();
            assert!(message.contains("a way up"), "{path}: {message}");
        }
        for path in ["/a..%2fb", "/a;b=..", "/...%2f", "/a%3b..", "/x?p=..%2f.."] {
            assert!(join(&base(), path).is_ok(), "{path}");
        }
        refused("/a%00b", "a control byte");
        refused("/a%0d%0ab", "a control byte");
    }

    #[test]
    fn only_http_and_https_are_spoken() {
        for base in ["ftp://h/", "file:///etc", "data:text,x"] {
            let message = join(&Url::parse(base).unwrap(), "/users").unwrap_err();
            assert!(message.contains("not an http"), "{message}");
        }
    }

    #[test]
    fn a_log_gets_the_first_segment_only() {
        for (path, expect) in [
            ("/users/jane@x?y=1", "users"),
            ("/users?login=jane", "users"),
            ("/", ""),
        ] {
            assert_eq!(first_segment(path), expect);
        }
    }
}
