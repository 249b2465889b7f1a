//! The address at which browsers and agents reach the vault: `https://vault.example`, or below a path of a host that has
//! other sites too: `https://nvr.example/vault`.

use axum::http::uri::Authority;
use std::fmt::{self, Display};
use std::str::FromStr;

/// What it is, for whoever wrote another one.
pub const EXPECTED: &str = "http:// or https:// and a host, with or without a path, such as https://vault.example or https://nvr.example/vault";

/// The agents' and monitors' own path, which no path before it may look like.
const OURS: &str = "/api";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: Authority,
    path: String,
}

/// Not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPublicUrl;

impl FromStr for PublicUrl {
    type Err = NotPublicUrl;

    fn from_str(text: &str) -> Result<Self, NotPublicUrl> {
        let text = text.trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(NotPublicUrl)?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (host, path) = (self::host(&rest[..at]).ok_or(NotPublicUrl)?, &rest[at..]);
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(&*scheme, "http" | "https") || !path.split('/').skip(1).all(is_plain) || is_below(path, OURS) {
            return Err(NotPublicUrl);
        }
        Ok(Self { origin: format!("{scheme}://{host}"), host, path: path.to_owned() })
    }
}

/// A part of a path that every proxy passes on as it is.
fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(plain)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A host, with or without a port.
pub fn host(text: &str) -> Option<Authority> {
    text.parse().ok().filter(|authority: &Authority| !authority.as_str().contains(['@', '*']))
}

impl PublicUrl {
    /// Scheme and host, as browsers send it in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host, and port unless it is the scheme's own.
    pub fn host(&self) -> &Authority {
        &self.host
    }

    /// The path below which the vault lies, without a slash at its end; empty if it has the host for itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether browsers use TLS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

impl Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_origin_and_perhaps_a_path() {
        for (text, origin, path) in [
            ("https://vault.example/", "https://vault.example", ""),
            ("HTTPS://nvr.example:8443/vault", "https://nvr.example:8443", "/vault"),
            ("http://[::1]:8080/a/b-2.x/", "http://[::1]:8080", "/a/b-2.x"),
            ("https://nvr.example/apis", "https://nvr.example", "/apis"),
        ] {
            let url: PublicUrl = text.parse().unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(
                (url.origin(), url.path(), url.to_string()),
                (origin, path, format!("{origin}{path}")),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "vault.example",
            "ftp://vault.example",
            "https://",
            "https:///vault",
            "https://a@vault.example",
            "https://*.example",
            "https://vault.example/a b",
            "https://vault.example/a//b",
            "https://vault.example/../a",
            "https://vault.example/%61",
            "https://vault.example/?a",
            "https://vault.example#a",
            "https://vault.example/api",
            "https://vault.example/api/x",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(NotPublicUrl), "{text}");
        }
    }
}
