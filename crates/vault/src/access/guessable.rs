//! Secrets that are easy to guess: the one place that says which, for people's passwords and accounts' secret keys.
//!
//! What is set in the UI is refused. What the configuration declares is taken, and told: agents that use it are already
//! installed, and a start must not end because of it.

use model::Secret;
use model::account::AccountForm;
use zxcvbn::{Score, zxcvbn};

/// Shortest password a person may choose, in characters.
pub const MIN_PASSWORD: usize = 12;
/// Longest password, in bytes; limits the cost of hashing.
pub const MAX_PASSWORD: usize = 256;
/// Shortest secret key of an account, in bytes.
const MIN_SECRET_KEY: usize = 16;

/// Least that a secret has besides names and words that anyone would try here, in characters.
const MIN_BESIDES: usize = 8;
/// Shortest part of a name that counts as a word.
const MIN_WORD: usize = 3;

/// Besides the commonest passwords and words, what anyone would try here.
const OURS: [&str; 6] = ["kerberos", "vault", "kerberosvault", "kerberosio", "camera", "recording"];

/// What is wrong with a password, as the rest of a sentence about it.
pub(crate) fn password(username: &str, password: &Secret) -> Option<String> {
    let text = password.expose();
    if text.chars().count() < MIN_PASSWORD {
        return Some(format!("needs at least {MIN_PASSWORD} characters"));
    }
    if text.len() > MAX_PASSWORD {
        return Some(format!("is too long: at most {MAX_PASSWORD} bytes"));
    }
    is_guessed(text, &[username]).then(|| "is easy to guess: choose more words, or rarer ones".into())
}

/// What is wrong with an account's secret key, as the rest of a sentence about it. `None` if the form has none.
pub(crate) fn secret_key(form: &AccountForm) -> Option<String> {
    match form.secret_key.as_str() {
        "" => None,
        short if short.len() < MIN_SECRET_KEY => Some(format!("needs at least {MIN_SECRET_KEY} characters")),
        key if is_guessed(key, &[&form.name, &form.access_key, &form.directory]) => Some("is easy to guess".into()),
        _ => None,
    }
}

/// Whether fewer than a hundred million guesses find it, by somebody who knows these names; or whether there is little in
/// it but them and ours.
fn is_guessed(secret: &str, known: &[&str]) -> bool {
    let parts = known.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    let words = known.iter().copied().chain(parts).chain(OURS).filter(|word| word.len() >= MIN_WORD);
    let mut words: Vec<String> = words.map(str::to_lowercase).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let besides = words.iter().fold(secret.to_lowercase(), |rest, word| rest.replace(word, ""));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    besides.chars().count() < MIN_BESIDES || zxcvbn(secret, &words).score() < Score::Three
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        password("margaret.hamilton", &Secret::new(text))
    }

    #[test]
    fn passwords_that_anyone_would_try() {
        for bad in [
            "password1234",
            "123456789012",
            "qwertyuiop12",
            "aaaaaaaaaaaaaaaa",
            "administrator",
            "P@ssw0rd12345",
            "kerberosvault",
            "Kerberos-Vault1",
            "Camera-Vault-2026",
            "vaultvaultvault",
            "margaret.hamilton",
            "MargaretHamilton1",
            "letmeinletmein",
        ] {
            assert!(of(bad).is_some_and(|why| why.contains("guess")), "{bad}");
        }
        assert_eq!(of("short"), Some("needs at least 12 characters".into()));
        assert_eq!(of(&"é".repeat(129)), Some("is too long: at most 256 bytes".into()));
        for good in [
            "my camera sees three cats",
            "correct horse battery staple",
            "a password for tests",
            "kLx8-vQ2mTz9",
            "摄像头门口的猫在睡觉吗不是",
        ] {
            assert_eq!(of(good), None, "{good}");
        }
    }

    #[test]
    fn secret_keys_that_anyone_would_try() {
        let key = |secret_key: &str| {
            secret_key_of(&AccountForm {
                id: None,
                name: "front-door".into(),
                enabled: true,
                provider: "local".into(),
                secondary_providers: Vec::new(),
                other_providers: None,
                integrations: Vec::new(),
                directory: "*".into(),
                exclusive: false,
                day_limit: 0,
                access_key: "AccessKeyOfTheDoor".into(),
                secret_key: secret_key.into(),
                cloud_analysis: true,
                edge_analysis: false,
            })
        };
        assert_eq!(key("sk"), Some("needs at least 16 characters".into()));
        for bad in ["password12345678", "AccessKeyOfTheDoor", "front-doorfront-door", "0000000000000000"] {
            assert_eq!(key(bad), Some("is easy to guess".into()), "{bad}");
        }
        for good in ["", "XJoi2@bgSOvOYBy#", "0d1a9f0c7be24d1f8c33"] {
            assert_eq!(key(good), None, "{good}");
        }
    }

    use super::secret_key as secret_key_of;
}
