//! Names as a store sees them that does not tell all names apart: SMB shares, APFS, exFAT.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization as _;

/// A path of which two are equal if such a store, or a person who looks at them, takes them for the same: without regard to
/// case, to how characters are composed or how wide they are, to what cannot be seen, and to dots and spaces at the end of a
/// part.
pub(crate) fn folded(path: &str) -> String {
    let decomposed: String = path.nfkd().filter(|c| !is_invisible(*c)).collect();
    let folded: String = UniCase::unicode(decomposed).to_folded_case().nfkc().collect();
    let parts: Vec<&str> = folded.split('/').map(|part| part.trim_end_matches(['.', ' '])).collect();
    parts.join("/")
}

/// Soft hyphens, joiners, marks of direction, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Whether one directory is the other, or lies in it. Both folded.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_may_take_for_the_same_is_folded_to_the_same() {
        for (a, b) in [
            ("Hub/Late", "hub/late"),
            ("e\u{301}te\u{301}", "\u{c9}t\u{e9}"),
            ("stra\u{df}e", "STRASSE"),
            ("hub./late. .", "hub/late"),
            ("\u{212a}", "k"),
            ("\u{ff28}ub/la\u{200d}te\u{ff0e}", "hub/late"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        assert_ne!(folded("hub/late"), folded("hub/later"));
        assert_ne!(folded("a.b"), folded("ab"));
    }

    #[test]
    fn a_directory_overlaps_with_itself_and_what_is_above_and_below() {
        for (a, b) in [("hub", "hub"), ("hub", "hub/late"), ("hub/late/x", "hub")] {
            assert!(overlap(a, b) && overlap(b, a), "{a} {b}");
        }
        for (a, b) in [("hub", "hubs"), ("hub/a", "hub/b"), ("hub/late", "late")] {
            assert!(!overlap(a, b) && !overlap(b, a), "{a} {b}");
        }
    }
}
