//! What an administrator pastes into Entra as Tenant URL, and why Entra may not reach it.
//! Every place that prints one takes it from here.

use std::net::IpAddr;

use url::{Host, Url};

use crate::adapter::keys::TenantId;
use crate::adapter::manifest::{Manifest, TenantUrlForm};
use crate::config::Config;
use crate::problem::Problem;
use crate::server::tenant_path;
use crate::tenant::file::TenantFile;

/// The Tenant URL of a tenant: `https://host/t/acme/scim/v2`, or where all customers of the
/// vendor have one, `https://host/scim/v2`. Without `server.public_url` it names the listener.
pub fn tenant_url(config: &Config, tenant: &TenantId, form: TenantUrlForm) -> String {
    let named = match form {
        TenantUrlForm::Tenant => Some(tenant),
        TenantUrlForm::Shared => None,
    };
    format!("{}{}", origin(config), tenant_path(named))
}

fn origin(config: &Config) -> String {
    let scheme = if config.server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let public = config.server.public_url.as_ref().map(public_origin);
    public.unwrap_or_else(|| format!("{scheme}://{}", config.server.listen))
}

/// `server.public_url` without a slash at its end.
pub(super) fn public_origin(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The form that the files of a tenant ask for. Both forms reach every tenant, so what cannot be
/// read means the usual one; `check` tells what is wrong with the file.
pub fn form_on_disk(config: &Config, tenant: &TenantId) -> TenantUrlForm {
    let read = || {
        let file = config.catalog.tenants.join(format!("{tenant}.toml"));
        let text = std::fs::read_to_string(file).ok()?;
        let adapter = TenantFile::parse("", &text).ok()?.adapter.into_inner();
        Some(form_of_adapter(config, &adapter))
    };
    read().unwrap_or_default()
}

/// The form that an adapter's manifest asks for; the usual one where it cannot be read.
pub fn form_of_adapter(config: &Config, adapter: &str) -> TenantUrlForm {
    let read = || {
        let (_, text) = config.catalog.sources().manifest(adapter).text().ok()?;
        let manifest: Manifest = toml::from_str(&text).ok()?;
        Some(manifest.tenant_url)
    };
    read().unwrap_or_default()
}

/// Why Entra cannot, or should not, use the Tenant URLs of this configuration: sentences with
/// their remedy. Empty where nothing speaks against them.
pub fn doubts(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    let public = config.server.public_url.as_ref();
    let listener = Url::parse(&origin(config)).ok();
    let Some(url) = public.or(listener.as_ref()) else {
        return doubts;
    };
    let remedy = "set server.public_url to the https address that Entra calls";
    if let Some(place) = url.host().and_then(out_of_reach) {
        doubts.push(format!(
            "Entra calls from the internet and cannot reach {place}; {remedy}"
        ));
    }
    if public.is_none() && config.server.listen.port() == 0 || url.port() == Some(0) {
        doubts.push(format!(
            "port 0 is no port that can be called: the gateway takes a free one when it starts; {remedy}"
        ));
    }
    if url.scheme() == "http" {
        doubts.push(match public {
            Some(_) => "Entra takes only https; write server.public_url with https://".to_owned(),
            None => format!("Entra takes only https; {remedy}, or set [server.tls]"),
        });
    }
    if url.path() != "/" {
        doubts.push(format!(
            "server.public_url has the path {}, which the gateway does not know: whatever stands in \
             front must take it away from each request; without that, leave the path out",
            url.path()
        ));
    }
    doubts
}

/// What is wrong with a host that the internet cannot reach.
fn out_of_reach(host: Host<&str>) -> Option<String> {
    let address = match host {
        Host::Domain(name) => {
            let name_only = name.trim_end_matches('.');
            let is_local = name_only == "localhost" || name_only.ends_with(".localhost");
            return (is_local || !name_only.contains('.'))
                .then(|| format!("{name}, a name of this machine or network"));
        }
        Host::Ipv4(address) => IpAddr::from(address),
        Host::Ipv6(address) => IpAddr::from(address).to_canonical(),
    };
    let kind = match address {
        _ if address.is_loopback() => "the loopback",
        _ if address.is_unspecified() => "which stands for all addresses of this machine",
        IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() => "a private address",
        IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => "a private address",
        _ => return None,
    };
    Some(format!("{address}, {kind}"))
}

/// That answers would name whatever host a request names, if they would.
pub fn public_url_problem(config: &Config) -> Option<Problem> {
    let server = &config.server;
    if server.public_url.is_some() || server.listen.ip().is_loopback() {
        return None;
    }
    let message = format!(
        "server.public_url is not set, and the gateway listens on {}: answers name the host that a request names",
        server.listen
    );
    let problem = Problem::error("config::no-public-url", "server", message).warning();
    Some(problem.help("set server.public_url to the https address that Entra calls"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let settings = settings
            .iter()
            .map(|(key, value)| (format!("SCIMGATE_SERVER__{key}"), (*value).to_owned()));
        Config::load(None, settings).unwrap()
    }

    #[test]
    fn both_forms_are_paths_that_are_served() {
        let config = config(&[("PUBLIC_URL", "https://scim.example.com/")]);
        let tenant = TenantId::parse("acme").unwrap();
        let url = |form| tenant_url(&config, &tenant, form);
        assert_eq!(
            url(TenantUrlForm::Tenant),
            "https://scim.example.com/t/acme/scim/v2"
        );
        assert_eq!(
            url(TenantUrlForm::Shared),
            "https://scim.example.com/scim/v2"
        );
    }

    #[track_caller]
    fn check(settings: &[(&str, &str)], expect: &[&str]) {
        let found = doubts(&config(settings));
        assert_eq!(found.len(), expect.len(), "{settings:?}: {found:?}");
        for (found, words) in found.iter().zip(expect) {
            assert!(found.contains(words), "{settings:?}: {found}");
        }
    }

    #[test]
    fn what_entra_cannot_call_is_doubted_with_the_remedy() {
        check(&[("PUBLIC_URL", "https://scim.example.com")], &[]);
        check(&[("PUBLIC_URL", "https://203.0.113.7:8443")], &[]);
        check(
            &[("PUBLIC_URL", "http://scim.example.com")],
            &["only https; write"],
        );
        check(&[], &["127.0.0.1, the loopback", "only https; set"]);
        check(
            &[("LISTEN", "0.0.0.0:0")],
            &["0.0.0.0, which stands for all", "port 0", "only https"],
        );
        check(
            &[("PUBLIC_URL", "https://scim.example.com:0")],
            &["port 0 is no port"],
        );
        check(&[("PUBLIC_URL", "https://[::1]")], &["::1, the loopback"]);
        check(
            &[("PUBLIC_URL", "https://[::ffff:127.0.0.1]")],
            &["127.0.0.1, the loopback"],
        );
        check(
            &[("PUBLIC_URL", "https://10.1.2.3")],
            &["10.1.2.3, a private address"],
        );
        check(
            &[("PUBLIC_URL", "https://localhost")],
            &["localhost, a name of this machine"],
        );
        check(
            &[("PUBLIC_URL", "https://scimgate")],
            &["scimgate, a name of this machine"],
        );
        check(
            &[("PUBLIC_URL", "https://h.example/gate")],
            &["has the path /gate"],
        );
        let tls = [
            ("LISTEN", "203.0.113.7:443"),
            ("TLS__CERTIFICATE", "a"),
            ("TLS__KEY", "b"),
        ];
        check(&tls, &[]);
    }
}
