//! An address in each event that reads its recording without credentials.

use crate::field::{Field, FieldError, Settings};
use std::time::Duration;

/// For how many hours; 0 for no address.
const HOURS: &str = "signed_url_hours";
/// A week: no signed address is valid for longer unless the vault is told so.
const MOST: u64 = 168;

pub(super) const SIGNED_URL: Field = Field::number(HOURS, "Address in events, hours", 0, MOST, "0")
    .help("For so long payload.signedUrl reads the recording without credentials; 0 leaves it out. Needs server.public_url.")
    .in_right_column();

/// For how long an integration's events want an address to be valid from when they are sent; `None` for no address.
pub fn signed_url_lifetime(settings: &Settings) -> Option<Duration> {
    let hours: u64 = settings.get(HOURS).parse().ok()?;
    (hours > 0).then(|| Duration::from_secs(3600 * hours.min(MOST)))
}

/// What is wrong with asking for one: nobody knows under which address the vault is reached.
pub fn needs_public_url() -> FieldError {
    FieldError::new(
        HOURS,
        "Needs server.public_url in the configuration: the address that your systems reach the vault at",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_unless_asked_for() {
        let lifetime = |hours: &str| signed_url_lifetime(&Settings::new().with(HOURS, hours));
        assert_eq!((lifetime(""), lifetime("0"), lifetime("x")), (None, None, None));
        assert_eq!(lifetime("24"), Some(Duration::from_secs(86_400)));
    }
}
