//! Addresses that are this host itself, or its link: what listens there trusts whoever comes by it.
//! A name that is made to point there can't be told by its looks.

use core::net::{Ipv4Addr, Ipv6Addr};

/// Names of the host itself, and of the service that hands out a cloud machine's credentials.
const NAMES: &[&str] = &[
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
    "host.docker.internal",
    "gateway.docker.internal",
    "kubernetes.docker.internal",
    "host.containers.internal",
    "metadata",
    "metadata.google.internal",
    "instance-data",
];

/// The same service's addresses beside link-local ones (AWS by IPv6, Alibaba, Oracle).
const METADATA_V4: &[Ipv4Addr] =
    &[Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: &[Ipv6Addr] = &[Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];

/// Whether a host, with a port or without, is this one.
#[must_use]
pub fn is_own(host: &str) -> bool {
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name.split('%').next().unwrap_or(&name);
    if NAMES.contains(&name.as_str()) || name.ends_with(".localhost") {
        return true;
    }
    match (address.parse::<Ipv6Addr>(), ipv4(&name)) {
        (Ok(address), _) => is_own_v6(address),
        (Err(_), Some(address)) => is_own_v4(address),
        (Err(_), None) => false,
    }
}

fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.split_once(':') {
        // More than one colon: an address of IPv6 without brackets.
        Some((name, port)) if !port.contains(':') => name,
        Some(_) | None => host,
    }
}

fn is_own_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first == 0
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || METADATA_V4.contains(&address)
}

fn is_own_v6(address: Ipv6Addr) -> bool {
    // What carries an address of IPv4 in its last four bytes: mapped, compatible (which `::` and
    // `::1` look like), translated (RFC 6052).
    let is_carrier = matches!(
        address.segments(),
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, ..]
    );
    let [.., a, b, c, d] = address.octets();
    address.is_unicast_link_local()
        || METADATA_V6.contains(&address)
        || is_carrier && is_own_v4(Ipv4Addr::new(a, b, c, d))
}

/// An address of IPv4 as a resolver takes one (`inet_aton(3)`): one to four numbers, each decimal, octal
/// or hexadecimal, the last of which fills what is left.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|&number| number > 0xff) {
        return None;
    }
    let mut bytes = [0; 4];
    for (place, &number) in bytes.iter_mut().zip(first) {
        *place = u8::try_from(number).ok()?;
    }
    let left = 4_usize.checked_sub(first.len())?;
    let tail = last.to_be_bytes();
    let (over, kept) = tail.split_at_checked(4_usize.checked_sub(left)?)?;
    if over.iter().any(|&byte| byte != 0) {
        return None;
    }
    bytes.get_mut(first.len()..)?.copy_from_slice(kept);
    Some(Ipv4Addr::from(bytes))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    digits.chars().try_fold(0_u32, |number, digit| {
        number.checked_mul(radix)?.checked_add(digit.to_digit(radix)?)
    })
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn this_host_is_known_in_every_spelling() {
        for host in [
            "localhost",
            "LocalHost:5000",
            "localhost.",
            "a.localhost:80",
            "127.0.0.1",
            "127.0.0.1:5000",
            "127.255.3.4",
            "127.1",
            "127.1:80",
            "0x7f.1",
            "0x7f000001:80",
            "2130706433:80",
            "0177.0.0.1",
            "017700000001:80",
            "0.0.0.0",
            "0:80",
            "169.254.169.254",
            "169.254.1.1:80",
            "0xa9fea9fe:80",
            "[::1]:5000",
            "::1",
            "[::]:80",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]:80",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[fe80::1%eth0]:80",
            "fe80::1",
            "[fd00:ec2::254]:80",
            "100.100.100.200",
            "host.docker.internal",
            "metadata.google.internal:80",
        ] {
            assert!(is_own(host), "{host}");
        }
        for host in [
            "ghcr.io",
            "registry:5000",
            "10.0.0.1:5000",
            "172.17.0.1",
            "192.168.1.1",
            "127.0.0.1.nip.io",
            "localhost.example.org",
            "notlocalhost",
            "[2001:db8::1]:5000",
            "[::ffff:10.0.0.1]",
            "1.2.3.4.5",
            "127.0.0.256",
            "08.1",
            "256.1",
            "",
        ] {
            assert!(!is_own(host), "{host}");
        }
    }
}
