//! Other sites, as browsers name them (RFC 6454).

use http::{HeaderValue, Uri};

/// Completes "must be …".
pub(super) const EXPECTED: &str =
    "a list of origins, such as [\"https://hub.example\", \"http://192.0.2.7:8080\"], or [\"*\"] for every site";

/// Reads an origin as browsers write it: scheme and host, the port unless it is the usual one; or `*`.
pub(super) fn origin(text: &str) -> Option<HeaderValue> {
    if text == "*" {
        return Some(HeaderValue::from_static("*"));
    }
    let uri: Uri = text.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let rest = text.strip_prefix(scheme)?.strip_prefix("://")?;
    let is_one = matches!(scheme, "http" | "https") && rest == authority.as_str() && !rest.contains('@');
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = authority.port_u16().filter(|port| *port != usual).map(|port| format!(":{port}")).unwrap_or_default();
    let written = format!("{scheme}://{}{port}", authority.host().to_ascii_lowercase());
    if is_one { HeaderValue::from_str(&written).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (text, written) in [
            ("*", "*"),
            ("https://hub.example", "https://hub.example"),
            ("https://Hub.Example:443", "https://hub.example"),
            ("http://192.0.2.7:8080", "http://192.0.2.7:8080"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(origin(text).expect(text), written);
        }
        for bad in
            ["", "hub.example", "https://hub.example/", "https://hub.example/a", "ftp://a", "https://a@b", "null"]
        {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
