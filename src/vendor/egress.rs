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
use tower_service::Service;

/// As hyper's connectors have it.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

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

/// Addresses of clouds' metadata and platform services outside of the ranges below: Alibaba's, in
/// a range that pods have too, and Azure's, among public ones.
const PLATFORM_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// What IANA's registry calls not globally reachable, but for loopback, private and shared
/// networks (in-house vendors) and documentation: "this" network, link-local (metadata of most
/// clouds), protocol assignments (Oracle's metadata), benchmarks, multicast, reserved.
fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0 | 224..=255, ..] | [169, 254, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] => true,
        _ => PLATFORM_V4.contains(&address),
    }
}

/// The same for version 6; unique local addresses are in-house vendors' but for those that clouds
/// serve metadata at.
fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0xfe80..=0xffff, ..] => true,
        // AWS; Google.
        [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..] => true,
        // Discard only.
        [0x0100, 0, 0, 0, ..] => true,
        _ => address.is_unspecified() || embedded(address).into_iter().any(is_forbidden_v4),
    }
}

/// The IPv4 addresses that something on the way may make of it: mapped, compatible and translated
/// (RFC 4291 §2.5.5, RFC 2765 §2.1), NAT64 (RFC 6052 §2.1, RFC 8215), 6to4 (RFC 3056), Teredo
/// (RFC 4380 §4) and ISATAP (RFC 5214 §6.1).
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // Loopback and unspecified are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => vec![v4(high, low)],
        [0x2002, high, low, ..] => vec![v4(high, low)],
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            vec![v4(high, low), v4(!client_high, !client_low)]
        }
        _ => Vec::new(),
    }
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
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "198.18.0.1",
            "240.0.0.1",
            "[::169.254.169.254]",
            "[::ffff:0:169.254.169.254]",
            "[64:ff9b:1::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[2001:0:a9fe:a9fe::1]",
            "[2001:0:4136:e378:8000:63bf:5601:5601]",
            "[2001:db8::5efe:169.254.169.254]",
            "[2001:db8::200:5efe:a9fe:a9fe]",
            "[::ffff:100.100.100.200]",
            "[fd00:ec2::23]",
            "[fd20:ce::254]",
            "[fec0::1]",
            "[100::1]",
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
            "100.64.1.2",
            "192.168.0.1",
            "192.0.1.1",
            "[fd12:3456::1]",
            "[::ffff:203.0.113.7]",
            "[2002:cb00:7107::1]",
            "[2606:4700::1111]",
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
