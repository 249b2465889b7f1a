//! What proxies say about a client: `X-Forwarded-For`, `-Host` and `-Proto`, or `Forwarded` (RFC 7239). Each proxy adds to
//! the end, so the last element is the word of the one next to the vault; only that one is believed.
//!
//! Of both kinds, `X-Forwarded-…` counts, and `Forwarded` not at all: proxies that write the older headers, which are nearly
//! all, pass on a `Forwarded` that the client made up.

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use axum::http::uri::Authority;
use std::net::{IpAddr, Ipv6Addr};

const FOR: &str = "x-forwarded-for";
const HOST: &str = "x-forwarded-host";
const PROTO: &str = "x-forwarded-proto";

/// The client as the nearest proxy saw it; what it did not say, or not understandably, is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Forwarded {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) host: Option<Authority>,
    pub(crate) https: Option<bool>,
}

impl Forwarded {
    /// Reads whichever headers there are.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        if [FOR, HOST, PROTO].iter().any(|name| headers.contains_key(*name)) {
            let last = |name| last(headers, name);
            return Self::of(last(FOR), last(HOST), last(PROTO));
        }
        let line = headers.get_all(FORWARDED).iter().next_back().and_then(|line| line.to_str().ok());
        let Some(pairs) = line.and_then(last_element) else { return Self::default() };
        let value = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            pair.map(|(_, value)| value.as_str())
        };
        Self::of(value("for"), value("host"), value("proto"))
    }

    fn of(ip: Option<&str>, host: Option<&str>, proto: Option<&str>) -> Self {
        Self {
            ip: ip.and_then(address),
            host: host.and_then(|host| host.parse().ok()),
            https: proto.map(|proto| proto.eq_ignore_ascii_case("https")),
        }
    }
}

/// The last element of a list header.
pub(crate) fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim).filter(|s| !s.is_empty())
}

/// An address in all the ways that proxies write it: alone, in brackets, with a port, with a name in the port's place.
fn address(text: &str) -> Option<IpAddr> {
    let ip = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (ip, port) = bracketed.split_once(']')?;
            (port.is_empty() || port.starts_with(':')).then(|| ip.parse::<Ipv6Addr>().ok()).flatten()?.into()
        }
        None => match text.parse::<IpAddr>() {
            Ok(ip) => ip,
            // An IPv6 address has more than one colon, and no port without brackets.
            Err(_) => text.split_once(':').and_then(|(ip, _)| ip.parse::<IpAddr>().ok())?,
        },
    };
    Some(ip.to_canonical())
}

/// The pairs of the last element of `Forwarded`; `None` if a quoted value does not end.
fn last_element(line: &str) -> Option<Vec<(String, String)>> {
    let (mut pairs, mut pair) = (Vec::new(), Pair::default());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => pair.push_quoted(&mut characters)?,
            ';' => std::mem::take(&mut pair).end(&mut pairs),
            ',' => {
                pairs.clear();
                pair = Pair::default();
            }
            '=' if pair.value.is_none() => pair.value = Some(String::new()),
            other => pair.push(other),
        }
    }
    pair.end(&mut pairs);
    Some(pairs)
}

/// A pair as far as it has been read.
#[derive(Default)]
struct Pair {
    name: String,
    value: Option<String>,
}

impl Pair {
    fn push(&mut self, character: char) {
        self.value.as_mut().unwrap_or(&mut self.name).push(character);
    }

    /// Takes a quoted string to its end; a backslash stands before a character that is meant literally.
    fn push_quoted(&mut self, characters: &mut std::str::Chars<'_>) -> Option<()> {
        loop {
            match characters.next()? {
                '"' => return Some(()),
                '\\' => self.push(characters.next()?),
                other => self.push(other),
            }
        }
    }

    fn end(self, pairs: &mut Vec<(String, String)>) {
        if let Some(value) = self.value {
            pairs.push((self.name.trim().to_owned(), value.trim().to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;
    use std::net::SocketAddr;

    fn read(pairs: &[(&'static str, &str)]) -> Forwarded {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
        };
        Forwarded::read(&pairs.iter().map(header).collect())
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (written, meant) in [
            ("192.0.2.7", ip("192.0.2.7")),
            ("192.0.2.7:4711", ip("192.0.2.7")),
            ("192.0.2.7:_gazonk", ip("192.0.2.7")),
            ("6.6.6.6, 192.0.2.7:4711", ip("192.0.2.7")),
            ("[2001:db8::1]:443", ip("2001:db8::1")),
            ("[2001:db8::1]", ip("2001:db8::1")),
            ("2001:db8::1", ip("2001:db8::1")),
            ("2001:861:3a42:b7b0:9971:120a:391f:f585", ip("2001:861:3a42:b7b0:9971:120a:391f:f585")),
            ("[::ffff:192.0.2.7]:443", ip("192.0.2.7")),
            ("unknown", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]443", None),
            ("[192.0.2.7]:443", None),
            ("192.0.2.7.5:443", None),
            ("", None),
        ] {
            assert_eq!(read(&[(FOR, written)]).ip, meant, "{written}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        let whole = read(&[("forwarded", r#"for="[2001:db8::1]:4711";proto=https;host="vault.example:8443""#)]);
        let host = "vault.example:8443".parse().ok();
        assert_eq!(whole, Forwarded { ip: ip("2001:db8::1"), host, https: Some(true) });
        for (written, meant) in [
            ("for=192.0.2.7", ip("192.0.2.7")),
            ("For=\"192.0.2.7:80\"", ip("192.0.2.7")),
            ("for=6.6.6.6, for=192.0.2.7 ; by=10.0.0.1", ip("192.0.2.7")),
            (r#"for="6.6.6.6, for=6.6.6.6", for=192.0.2.7"#, ip("192.0.2.7")),
            (r#"for="\1\92.0.2.7""#, ip("192.0.2.7")),
            ("for=unknown", None),
            ("for=_hidden", None),
            ("for=192.0.2.7, for=unknown", None),
            (r#"for="192.0.2.7"#, None),
            (r#"for="192.0.2.7\"#, None),
            ("192.0.2.7", None),
            (",;=,\"\"", None),
        ] {
            assert_eq!(read(&[("forwarded", written)]).ip, meant, "{written}");
        }
    }

    /// A proxy that writes the one passes on what the client wrote as the other.
    #[test]
    fn forwarded_counts_only_where_there_is_none_of_the_older_headers() {
        let lie = ("forwarded", "for=6.6.6.6;proto=https;host=evil.example");
        let read = read(&[lie, (FOR, "192.0.2.7")]);
        assert_eq!(read, Forwarded { ip: ip("192.0.2.7"), host: None, https: None });
    }

    proptest! {
        #[test]
        fn any_address_is_understood_in_every_way_of_writing_it(bits: u128, port: u16, is_v6: bool) {
            let meant = if is_v6 { IpAddr::from(bits.to_be_bytes()) } else { IpAddr::from((bits as u32).to_be_bytes()) };
            let with_port = SocketAddr::from((meant, port)).to_string();
            let in_brackets = if is_v6 { format!("[{meant}]") } else { meant.to_string() };
            for written in [meant.to_string(), with_port, in_brackets] {
                prop_assert_eq!(read(&[(FOR, &written)]).ip, Some(meant.to_canonical()));
                let quoted = format!("for=6.6.6.6, by=10.0.0.1;for=\"{written}\"");
                prop_assert_eq!(read(&[("forwarded", &quoted)]).ip, Some(meant.to_canonical()));
            }
        }

        #[test]
        fn no_header_makes_it_panic(bytes in prop::collection::vec(prop_oneof![
            any::<u8>(), prop::sample::select(&b"for=\"[]:;,\\1.2"[..])
        ], 0..64)) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            for name in [FOR, HOST, PROTO, "forwarded"] {
                Forwarded::read(&HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]));
            }
        }
    }
}
