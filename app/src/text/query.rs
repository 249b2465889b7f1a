//! URLs within this site.

use leptos_router::params::ParamsMap;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what never has a meaning in an address.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What a `Location` header cannot hold, and what browsers read as a slash.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ').add(b'\\');

/// Percent-encodes everything that could have a meaning in a URL.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path with a query.
pub fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(path.to_owned(), |address, (name, value)| add(&address, name, value))
}

/// Adds a pair to a URL.
pub fn add(address: &str, name: &str, value: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{name}={}", encode(value))
}

/// Names and values of a URL's query, given without its `?`.
pub fn read(search: &str) -> ParamsMap {
    let mut map = ParamsMap::new();
    for pair in search.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // This decodes it. The router fills its own map with decoded values, and so decodes them twice.
        map.insert(name.to_owned(), value.replace('+', " "));
    }
    map
}

/// The address if it certainly stays on this site, in a form fit for a `Location` header; else `None`. Browsers take
/// `//host`, `/\host` and `/<tab>/host` for another site.
pub fn local_path(address: &str) -> Option<String> {
    let mut chars = address.chars();
    let local = chars.next() == Some('/') && !matches!(chars.next(), Some('/' | '\\'));
    if !local || address.len() > 2048 || address.chars().any(char::is_control) {
        return None;
    }
    Some(utf8_percent_encode(address, UNPRINTABLE).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for bad in
            ["", "media", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "/a\r\nX: y"]
        {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
        assert_eq!(local_path("/media?camera=été 1").as_deref(), Some("/media?camera=%C3%A9t%C3%A9%201"));
        assert_eq!(local_path("/").as_deref(), Some("/"));
    }

    #[test]
    fn a_value_is_decoded_once() {
        let map = read(&address("", &[("camera", "50%25 & +1"), ("next", "/media?camera=a%26b")])[1..]);
        assert_eq!(map.get("camera").as_deref(), Some("50%25 & +1"));
        assert_eq!(map.get("next").as_deref(), Some("/media?camera=a%26b"));
        assert_eq!(read("q=two+words&id=1&id=2&draft").get("q").as_deref(), Some("two words"));
        assert_eq!(read("id=1&id=2").get_all("id"), Some(vec!["1".to_owned(), "2".to_owned()]));
    }

    #[test]
    fn builds_addresses() {
        assert_eq!(address("/a", &[("x", "1&2"), ("y", "ü")]), "/a?x=1%262&y=%C3%BC");
        assert_eq!(address("/a", &[]), "/a");
    }
}
