//! What works in a tenant's file and is better done otherwise.

use url::{Host, Url};

use crate::problem::Problem;
use crate::tenant::file::TenantFile;
use crate::tenant::secret::SecretSource;

/// Warnings about a file that was read.
pub(super) fn lints(tenant: &TenantFile, file: &str) -> Vec<Problem> {
    let mut problems = Vec::from_iter(plain_http(tenant, file));
    let literal = tenant.credential.iter();
    let literal = literal.filter(|(_, source)| matches!(source, SecretSource::Value(_)));
    problems.extend(literal.map(|(name, _)| {
        let message = format!("the secret `{}` is written in the file itself", name.get_ref());
        Problem::error("lint::literal-secret", file, message)
            .warning()
            .at(name.span().start, name.span().len())
            .label("everybody who reads the file sees it")
            .help("write it into its own file or an environment variable: { file = \"…\" } or { env = \"…\" }")
    }));
    problems
}

/// Secrets and personal data in the clear, but on this machine.
fn plain_http(tenant: &TenantFile, file: &str) -> Option<Problem> {
    let url = Url::parse(tenant.base_url.get_ref()).ok()?;
    if url.scheme() != "http" || is_local(&url) {
        return None;
    }
    let span = tenant.base_url.span();
    let message = "the vendor is called without TLS";
    let problem = Problem::error("lint::plain-http", file, message).warning();
    Some(
        problem
            .at(span.start, span.len())
            .label("http, not https")
            .help("write https://; otherwise the secret and users' data are sent unencrypted"),
    )
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base_url: &str, secret: &str, codes: &[&str]) {
        let text = format!(
            "adapter = \"a\"\nbase_url = \"{base_url}\"\ncredential = {{ key = {secret} }}\n"
        );
        let problems = lints(&TenantFile::parse("t.toml", &text).unwrap(), "t.toml");
        let told: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(told, codes, "{text}");
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_and_secrets_have_a_place_of_their_own() {
        let file = "{ file = \"key\" }";
        check("https://api.example", file, &[]);
        check("http://api.example", file, &["lint::plain-http"]);
        check("http://127.0.0.1:8080", file, &[]);
        check("http://[::1]:8080", file, &[]);
        check("http://localhost", file, &[]);
        check(
            "http://localhost.example",
            "{ value = \"k\" }",
            &["lint::plain-http", "lint::literal-secret"],
        );
    }
}
