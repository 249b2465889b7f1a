//! Which addresses the vault never connects to, in every way to write one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata services outside 169.254/16, which has those of nearly every cloud, and Amazon's for containers.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];

/// Metadata services with an IPv6 address of their own. Amazon's are a whole network, see [`refuses`].
const METADATA_V6: [Ipv6Addr; 5] = [
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // Oracle
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),        // Scaleway
    Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1),    // Akamai, formerly Linode
    Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200),  // Alibaba
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),       // Google
];

/// Where Amazon's instances, tasks and pods get their role's credentials.
const CREDENTIALS: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),                  // instances
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), // the same
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),                    // tasks
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),                   // pods
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),  // the same
];

/// Whether an address is one of the services that have the credentials of Amazon's roles.
pub(super) fn has_credentials(ip: IpAddr) -> bool {
    CREDENTIALS.contains(&ip)
}

/// Whether this is link-local or a cloud's metadata service, or leads to one.
pub(super) fn refuses(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => refuses_v4(v4),
        IpAddr::V6(v6) => {
            let amazons = matches!(v6.segments(), [0xfd00, 0xec2, ..]);
            amazons || v6.is_unicast_link_local() || METADATA_V6.contains(&v6) || embedded(v6).any(refuses_v4)
        }
    }
}

fn refuses_v4(ip: Ipv4Addr) -> bool {
    ip.is_link_local() || METADATA_V4.contains(&ip)
}

/// The IPv4 addresses that translators, relays and tunnels would reach by an IPv6 address. (Mapped ones,
/// `::ffff:a.b.c.d`, are canonical IPv4 by now.)
fn embedded(v6: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let at = |places: [usize; 4]| Ipv4Addr::from(places.map(|place| v6.octets()[place]));
    let last = || at([12, 13, 14, 15]);
    let found = match v6.segments() {
        // IPv4-compatible; IPv4-translated (RFC 2765)
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => vec![last()],
        // NAT64 (RFC 6052)
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last()],
        // NAT64 of this site (RFC 8215): prefixes of 48, 56, 64 and 96 bits, with octet 8 left out (RFC 6052 §2.2)
        [0x64, 0xff9b, 1, ..] => vec![at([6, 7, 9, 10]), at([7, 9, 10, 11]), at([9, 10, 11, 12]), last()],
        // 6to4 (RFC 3056)
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        // Teredo (RFC 4380): its server, and the client with all bits turned
        [0x2001, 0, ..] => vec![at([4, 5, 6, 7]), Ipv4Addr::from(!u32::from(last()))],
        // ISATAP (RFC 5214), below any prefix
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => vec![last()],
        _ => Vec::new(),
    };
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(ip: &str) -> bool {
        refuses(ip.parse().expect("an address"))
    }

    #[test]
    fn metadata_services_and_link_local_addresses() {
        for ip in [
            "169.254.169.254", // Amazon, Azure, Google, Oracle, DigitalOcean, OpenStack, …
            "169.254.170.2",   // Amazon's tasks
            "169.254.170.23",  // Amazon's pods
            "169.254.42.42",   // Scaleway
            "169.254.0.23",    // Tencent
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd00:ec2::253",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "fd00:a9fe:a9fe::1",
            "fd00:100::100:200",
            "fd20:ce::254",
        ] {
            assert!(is_refused(ip), "{ip}");
        }
    }

    #[test]
    fn what_leads_to_one() {
        for (ip, how) in [
            ("::ffff:169.254.169.254", "mapped"),
            ("::169.254.169.254", "compatible"),
            ("::ffff:0:169.254.169.254", "translated"),
            ("64:ff9b::169.254.169.254", "NAT64"),
            ("64:ff9b::100.100.100.200", "NAT64, Alibaba"),
            ("64:ff9b:1:a9fe:a9:fe00::", "NAT64 of the site, 48 bits"),
            ("64:ff9b:1:ffa9:fe:a9fe::", "NAT64 of the site, 56 bits"),
            ("64:ff9b:1:ffff:a9:fea9:fe00::", "NAT64 of the site, 64 bits"),
            ("64:ff9b:1:ffff::169.254.169.254", "NAT64 of the site, 96 bits"),
            ("2002:a9fe:a9fe::", "6to4"),
            ("2001:0:a9fe:a9fe::", "Teredo's server"),
            ("2001::5601:5601", "Teredo's client"),
            ("2001:db8::5efe:169.254.169.254", "ISATAP"),
            ("fd12::200:5efe:169.254.169.254", "ISATAP, unique"),
        ] {
            assert!(is_refused(ip), "{ip}: {how}");
        }
    }

    #[test]
    fn what_stands_beside_them() {
        for ip in [
            "127.0.0.1",
            "10.0.0.4",
            "192.168.1.20",
            "172.16.0.1",
            "100.100.100.201",
            "168.63.129.17",
            "::1",
            "::10.0.0.4",
            "fd12::1",
            "fd00:c1::1",
            "fd00:42::43",
            "fd20:ce::253",
            "64:ff9b::10.0.0.4",
            "64:ff9b:1:a00:0:400::",
            "2002:a00:4::",
            "2001:db8::169.254.169.254",
            "2a00:1450:4001:82f::200e",
        ] {
            assert!(!is_refused(ip), "{ip}");
        }
    }
}
