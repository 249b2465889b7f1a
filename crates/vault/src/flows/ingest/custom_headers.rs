//! Which headers of an upload are the owner's own (docs/protocol.md §2).

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};

/// Longest announcement, in bytes of base64: more than 32 names of 128 bytes take, whatever JSON makes of them.
const LONGEST: usize = 64 * 1024;
/// Agents send it without padding; with it, it says the same.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The names that the header [`CUSTOM_HEADERS`](model::wire::header::CUSTOM_HEADERS) announces: base64url of a JSON array of
/// texts. None if it is absent, `None` if it is something else.
pub fn announced(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let json = BASE64URL.decode(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
    let names: Vec<serde_json::Value> = serde_json::from_slice(&json).ok()?;
    // What is no text is no name, and does not cost the others theirs.
    Some(names.into_iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_announce_names_in_base64url() {
        let names = vec!["X-Site".to_owned(), "X-Ünï?".to_owned()];
        assert_eq!(announced("WyJYLVNpdGUiLCJYLcOcbsOvPyJd"), Some(names));
        // With a character that base64url alone has, and without and with padding.
        for text in ["WyJ-Il0", "WyJ-Il0="] {
            assert_eq!(announced(text), Some(vec!["~".into()]), "{text}");
        }
        assert_eq!(announced(""), Some(Vec::new()));
        assert_eq!(announced("WzFd"), Some(vec![String::new()]), "a number");
        for bad in ["X-Site", "!", "e30", "bnVsbA", &"A".repeat(LONGEST + 4)] {
            assert_eq!(announced(bad), None, "{bad}");
        }
    }
}
