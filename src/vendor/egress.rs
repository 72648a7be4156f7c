//! Addresses that are never a vendor's, whatever a `base_url` or a DNS answer says.
//!
//! The worst a wrong `base_url` can do is read the cloud's instance metadata,
//! that is the machine's own credentials. Loopback and private networks stay
//! allowed: a sidecar and an in-house vendor live there.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::{BoxError, Service};

/// The system's resolver. It fails if *any* address of an answer is forbidden,
/// and its answer is what is connected to, so that no second look-up differs.
#[derive(Clone)]
pub(super) struct Resolver(GaiResolver);

impl Resolver {
    pub(super) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let answer = self.0.call(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = answer.await?.collect();
            addresses
                .iter()
                .try_for_each(|address| permit(address.ip()))?;
            Ok(addresses.into_iter())
        })
    }
}

/// Checks a host that is an address: those never reach a resolver.
pub(super) fn permit_host(host: &str) -> Result<(), BoxError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().map_or(Ok(()), permit)
}

fn permit(address: IpAddr) -> Result<(), BoxError> {
    let forbidden = match address {
        IpAddr::V4(v4) => is_forbidden_v4(v4),
        IpAddr::V6(v6) => is_forbidden_v6(v6),
    };
    match forbidden {
        true => Err(format!("{address} is never a vendor's address").into()),
        false => Ok(()),
    }
}

/// "This" network, link-local (metadata of all clouds), multicast, reserved.
fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first == 0 || first >= 224 || address.is_link_local()
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address == AWS_METADATA
        || embedded(address).is_some_and(is_forbidden_v4)
}

/// The IPv4 address inside: mapped (RFC 4291 §2.5.5.2) or NAT64 (RFC 6052 §2.1).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d] = address.to_ipv4_mapped().map_or_else(
        || match address.octets() {
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, rest @ ..] => Some(rest),
            _ => None,
        },
        |v4| Some(v4.octets()),
    )?;
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_nonsense_are_refused_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "0.0.0.0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
        ] {
            assert!(permit_host(host).is_err(), "{host}");
        }
    }

    #[test]
    fn vendors_sidecars_and_names_pass() {
        for host in [
            "203.0.113.7",
            "127.0.0.1",
            "10.1.2.3",
            "[::1]",
            "[2001:db8::1]",
            "api.example.com",
        ] {
            assert!(permit_host(host).is_ok(), "{host}");
        }
    }

    #[tokio::test]
    async fn names_are_checked_by_what_they_resolve_to() {
        let mut resolver = Resolver::new();
        let mut resolve = |name: &str| resolver.call(name.parse().unwrap());
        assert!(resolve("localhost").await.is_ok());
        // The C library resolves this spelling of an address without asking anybody.
        assert!(resolve("0xa9fea9fe").await.is_err());
    }
}
