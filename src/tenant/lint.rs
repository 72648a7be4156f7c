//! What works in a tenant's file and is better done otherwise.

use url::{Host, Url};

use super::file::{SecretSource, TenantFile};
use crate::problem::Problem;

impl TenantFile {
    /// Warnings about a file that was read.
    pub fn lints(&self, file: &str) -> Vec<Problem> {
        let mut problems = Vec::from_iter(self.plain_http(file));
        let literal = self.credential.iter();
        let literal = literal.filter(|(_, source)| matches!(source, SecretSource::Value(_)));
        problems.extend(literal.map(|(name, _)| {
            let message = format!("the secret `{}` stands in the file itself", name.get_ref());
            Problem::error("lint::literal-secret", file, message)
                .warning()
                .at(name.span().start, name.span().len())
                .label("for whoever reads the file")
                .help("put it into a file of its own or the environment: { file = \"…\" } or { env = \"…\" }")
        }));
        problems
    }

    /// Secrets and personal data in the clear, but on this machine.
    fn plain_http(&self, file: &str) -> Option<Problem> {
        let url = Url::parse(self.base_url.get_ref()).ok()?;
        if url.scheme() != "http" || is_local(&url) {
            return None;
        }
        let span = self.base_url.span();
        let message = "the vendor is called without TLS";
        let problem = Problem::error("lint::plain-http", file, message).warning();
        Some(
            problem
                .at(span.start, span.len())
                .label("http, not https")
                .help("write https://; the secret and users' data pass in the clear otherwise"),
        )
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
