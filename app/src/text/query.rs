//! URLs within this site.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// All but what never has a meaning in an address.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What a `Location` header cannot hold, and what browsers read as a slash.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ').add(b'\\');

/// Percent-encodes everything that could have a meaning in a URL.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path with what is set in a query: a page's, or pairs of names and values.
pub fn address(path: &str, query: &impl Serialize) -> String {
    match encoded(query) {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Names and values of what is set in a page's query, for a form that keeps it.
pub fn pairs(query: &impl Serialize) -> Vec<(String, String)> {
    serde_html_form::from_str(&encoded(query)).unwrap_or_default()
}

/// A page's query as an address has it, given without its `?`; nonsense is an empty one.
pub fn parse<T: DeserializeOwned + Default>(search: &str) -> T {
    serde_html_form::from_str(search).unwrap_or_default()
}

fn encoded(query: &impl Serialize) -> String {
    serde_html_form::to_string(query).unwrap_or_default()
}

/// Adds a pair to a URL.
pub fn add(address: &str, name: &str, value: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{name}={}", encode(value))
}

/// Names and values of an address's query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads them, given without the `?`. The router's own map decodes them twice.
    pub fn read(search: &str) -> Self {
        Self(parse(search))
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    }

    /// All values of this name.
    pub fn get_all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
    }
}

/// The address if it certainly stays on this site, in a form fit for a `Location` header; else `None`. Browsers take
/// `//host`, `/\host` and `/<tab>/host` for another site.
pub fn local_path(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    // Wherever it stands: with dots before it, browsers find it at the beginning.
    let local = path.starts_with('/') && !path.contains("//") && !path.contains('\\');
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
        for bad in [
            "",
            "media",
            "//evil.example",
            "/\\evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/./\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "/a\r\nX: y",
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
        assert_eq!(local_path("/media?camera=été 1").as_deref(), Some("/media?camera=%C3%A9t%C3%A9%201"));
        assert_eq!(local_path("/").as_deref(), Some("/"));
    }

    #[test]
    fn a_value_is_decoded_once() {
        let map = Pairs::read(&address("", &[("camera", "50%25 & +1"), ("next", "/media?camera=a%26b")])[1..]);
        assert_eq!(map.get("camera").as_deref(), Some("50%25 & +1"));
        assert_eq!(map.get("next").as_deref(), Some("/media?camera=a%26b"));
        assert_eq!(Pairs::read("q=two+words&id=1&id=2&draft").get("q").as_deref(), Some("two words"));
        assert_eq!(Pairs::read("id=1&id=2").get_all("id"), ["1", "2"]);
    }

    #[derive(Debug, Default, PartialEq, Serialize, serde::Deserialize)]
    #[serde(default)]
    struct Filter {
        #[serde(skip_serializing_if = "String::is_empty")]
        camera: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        rows: String,
    }

    #[test]
    fn a_pages_query_survives_being_written_and_read() {
        for camera in ["gate & co%25", "a+b=c&d", "é[0]", ""] {
            let filter = Filter { camera: camera.into(), rows: "100".into() };
            let address = address("/media", &filter);
            assert_eq!(parse::<Filter>(&address["/media?".len()..]), filter, "{address}");
            let kept = pairs(&filter);
            assert_eq!(kept.last(), Some(&("rows".to_owned(), "100".to_owned())));
            assert!(camera.is_empty() || kept[0] == ("camera".to_owned(), camera.to_owned()), "{kept:?}");
        }
        assert_eq!(address("/media", &Filter::default()), "/media");
    }

    #[test]
    fn a_dialogs_part_of_the_query_is_none_of_the_pages() {
        let filter = Filter { camera: "a".into(), rows: String::new() };
        for search in ["camera=a", "id=1&id=2&camera=a", "draft&camera=a", "camera=a&done=deleted", "&camera=a&"] {
            assert_eq!(parse::<Filter>(search), filter, "{search}");
        }
    }

    #[test]
    fn builds_addresses() {
        assert_eq!(address("/a", &[("x", "1&2"), ("y", "ü")]), "/a?x=1%262&y=%C3%BC");
    }
}
