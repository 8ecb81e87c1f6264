//! Where the hub may call: everywhere public, and of private and loopback addresses what is listed.
//!
//! Files and settings name the targets, and files are untrusted: without this, a mapping could make the
//! hub read the cloud's metadata service or a neighbour's database.
//!
//! **Invariant:** what is checked is the address that is connected to: the client asks no other resolver, so
//! that a name cannot point elsewhere between check and use. Tests: `what_a_name_resolves_to_decides`,
//! `a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Net;

/// Why a target is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not HTTP.
    #[error("`{0}` is not spoken; use http or https")]
    Scheme(String),
    /// A private, loopback or otherwise inner address that is not listed.
    #[error("{0} is a private address and not allowed; add its range to `[egress] allow_private`")]
    Private(IpAddr),
}

/// The rules.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    allowed: Vec<Net>,
}

impl Egress {
    /// Public addresses and these.
    pub fn new(allowed: Vec<Net>) -> Self {
        Self { allowed }
    }

    /// # Errors
    ///
    /// [`Refused::Private`].
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let address = plain(address);
        let public = match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        };
        if public || self.allowed.iter().any(|range| range.contains(address)) {
            return Ok(());
        }
        Err(Refused::Private(address))
    }
}

/// An IPv4 address in IPv6 clothes (mapped, compatible, translated, NAT64, 6to4) is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let [a, b, c, d, e, f, _, _] = segments;
    let v4 = |bits: u128| IpAddr::V4(Ipv4Addr::from_bits((bits & u128::from(u32::MAX)) as u32));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            v4(v6.to_bits())
        }
        [0, 0, 0, 0, 0, 0] if !v6.is_loopback() && !v6.is_unspecified() => v4(v6.to_bits()),
        // 6to4: the address of the router stands behind the prefix.
        [0x2002, ..] => v4(v6.to_bits() >> 80),
        _ => address,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    // Azure's inner services answer here, although the address looks public.
    let wire_server = address.octets() == [168, 63, 129, 16];
    let relay = a == 192 && b == 88 && c == 99;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark
        || wire_server
        || relay)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    let site_local = a & 0xffc0 == 0xfec0;
    // NAT64 of a network's own, tunnels that carry an address nobody sees, documentation, discard.
    let local_nat64 = [a, b, c] == [0x64, 0xff9b, 1];
    let teredo = [a, b] == [0x2001, 0];
    let documentation = [a, b] == [0x2001, 0xdb8] || a == 0x3fff && b < 0x1000;
    let discard = a == 0x100 && b == 0;
    !(site_local
        || local_nat64
        || teredo
        || documentation
        || discard
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local())
}

/// What a name resolves to.
type Found = std::io::Result<Vec<SocketAddr>>;

/// Asks what a name resolves to: the machine's resolver, or a test's.
type Lookup = dyn Fn(String) -> BoxFuture<'static, Found> + Send + Sync;

/// Resolves names and lets only checked addresses through: the client connects to nothing else.
pub(super) struct Checked {
    egress: Arc<Egress>,
    lookup: Arc<Lookup>,
}

impl Checked {
    pub(super) fn new(egress: Arc<Egress>) -> Self {
        // The client puts the port of the URL in place of this one.
        Self::by(egress, |name| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
        })
    }

    /// With another resolver.
    pub(super) fn by(
        egress: Arc<Egress>,
        lookup: impl Fn(String) -> BoxFuture<'static, Found> + Send + Sync + 'static,
    ) -> Self {
        Self { egress, lookup: Arc::new(lookup) }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = Arc::clone(&self.egress);
        let asking = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let found = asking.await?;
            let mut refused = None;
            let mut good: Vec<SocketAddr> = Vec::new();
            for address in found {
                match egress.check(address.ip()) {
                    Ok(()) => good.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if good.is_empty() => Err(why.into()),
                Some(_) | None => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_every_clothing() {
        let refused = [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "::ffff:0:10.0.0.1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "64:ff9b:1::8.8.8.8",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "fec0::1",
            "fd00:ec2::254",
            "168.63.129.16",
            "192.88.99.1",
            "192.0.0.192",
            "100.100.100.200",
        ];
        for address in refused {
            let address: IpAddr = address.parse().unwrap();
            assert!(Egress::default().check(address).is_err(), "{address}");
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "168.63.129.17",
            "2606:4700::1111",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:4860:4860::8888",
        ] {
            assert!(Egress::default().check(address.parse().unwrap()).is_ok(), "{address}");
        }
    }

    #[test]
    fn listed_ranges_are_allowed_and_nothing_beside_them() {
        let net = |text: &str| Net::try_from(text.to_owned()).unwrap();
        let egress = Egress::new(vec![net("127.0.0.1/32"), net("10.1.0.0/16")]);
        for (address, allowed) in [
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("::ffff:10.1.0.1", true),
            ("::1", false),
        ] {
            assert_eq!(egress.check(address.parse().unwrap()).is_ok(), allowed, "{address}");
        }
        let all = Egress::new(vec![net("0.0.0.0/0"), net("::/0")]);
        assert!(all.check("127.0.0.1".parse().unwrap()).is_ok());
        assert!(all.check("fd00::1".parse().unwrap()).is_ok());
    }
}
