//! Names of accounts and connections: they appear in headers, events and addresses.

use crate::field::FieldError;

/// Longest, in characters.
const MAX: usize = 64;

/// Checks a name: no control characters, and no spaces at its ends, which readers of headers would trim.
pub fn check(name: &str) -> Result<(), FieldError> {
    let problem = if name.is_empty() {
        "Name is required"
    } else if name.chars().count() > MAX {
        "Name is too long: at most 64 characters"
    } else if name.trim() != name || name.chars().any(char::is_control) {
        "Name must not start or end with a space or hold control characters"
    } else {
        return Ok(());
    };
    Err(FieldError::new("name", problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_and_of_bounded_length() {
        for good in ["a", "Site A, front", "été", &"ü".repeat(64)] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", "required"),
            (" a", "start or end"),
            ("a ", "start or end"),
            ("a\tb", "control"),
            ("a\u{7f}", "control"),
            (&"ü".repeat(65), "too long"),
        ] {
            let error = check(bad).expect_err(bad);
            assert!(error.field == "name" && error.message.contains(why), "{bad:?}: {error:?}");
        }
    }
}
