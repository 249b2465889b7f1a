//! Keys at Amazon, which are optional: a machine, task or pod may have a role instead.

use crate::field::{Field, FieldError};
use crate::secret::Secret;

/// A key pair.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: Secret,
}

/// The fields of a kind that can do without.
pub(crate) const ACCESS_KEY: Field = Field::text("access_key", "Access key")
    .help("Leave both keys empty where the vault's machine, task or pod has a role that may do this.")
    .in_right_column();
pub(crate) const SECRET_KEY: Field = Field::secret("secret_key", "Secret key");

impl Keys {
    /// The pair, if there is one. Without one, Amazon's default credential chain finds what the vault's machine, task or pod
    /// may use.
    pub fn given(access_key: &str, secret_key: &Secret) -> Option<Self> {
        let given = !(access_key.is_empty() && secret_key.is_empty());
        given.then(|| Self { access_key: access_key.to_owned(), secret_key: secret_key.clone() })
    }

    /// What is wrong with half a pair.
    pub(crate) fn check(access_key: &str, secret_key: &Secret) -> Option<FieldError> {
        let (lacks, label, has) = match (access_key.is_empty(), secret_key.is_empty()) {
            (true, false) => (&ACCESS_KEY, "Access key", "a secret key"),
            (false, true) => (&SECRET_KEY, "Secret key", "an access key"),
            _ => return None,
        };
        Some(FieldError::new(lacks.name, format!("{label} is required with {has}; leave both empty to use a role")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_whole_or_not_there() {
        let of = |access: &str, secret: &str| {
            let secret = Secret::new(secret);
            (Keys::given(access, &secret).is_some(), Keys::check(access, &secret).map(|error| error.field))
        };
        assert_eq!(of("", ""), (false, None));
        assert_eq!(of("a", "s"), (true, None));
        assert_eq!(of("a", ""), (true, Some("secret_key".into())));
        assert_eq!(of("", "s"), (true, Some("access_key".into())));
    }
}
