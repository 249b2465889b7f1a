//! Headers of agents and readers, as typed values (docs/protocol.md §2).

use crate::problem::{self, ApiError};
use axum::http::HeaderMap;
use model::wire::header;
use model::{ObjectKey, Secret};

/// A header's text without surrounding spaces; empty if absent. Agents send UTF-8, some clients Latin-1.
pub fn text(headers: &HeaderMap, name: &str) -> String {
    let bytes = headers.get(name).map_or(&[][..], |v| v.as_bytes());
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().trim().to_owned(),
    }
}

/// Longest access or secret key that is looked up, in bytes.
const MAX_CREDENTIAL: usize = 512;

/// An account's credentials.
#[derive(Debug)]
pub struct Credentials {
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: Secret,
}

impl Credentials {
    /// Reads both headers. Fails if one is missing, or could not be any account's.
    pub fn parse(headers: &HeaderMap) -> Result<Self, ApiError> {
        let (access_key, secret_key) = (text(headers, header::ACCESS_KEY), text(headers, header::SECRET_KEY));
        if access_key.is_empty() {
            return Err((&problem::MISSING_ACCESS_KEY).into());
        }
        if secret_key.is_empty() {
            return Err((&problem::MISSING_SECRET_KEY).into());
        }
        if access_key.len() > MAX_CREDENTIAL
            || secret_key.len() > MAX_CREDENTIAL
            || access_key.chars().any(char::is_control)
        {
            return Err((&problem::WRONG_CREDENTIALS).into());
        }
        Ok(Self { access_key, secret_key: Secret::new(secret_key) })
    }
}

/// The recording a reader asks for.
#[derive(Debug)]
pub struct RecordingName {
    /// Full key.
    pub key: ObjectKey,
    /// Provider's name; `None` means anywhere.
    pub provider: Option<String>,
}

impl RecordingName {
    /// Reads FileName, as a full key, and Provider.
    pub fn parse(headers: &HeaderMap) -> Result<Self, ApiError> {
        let file_name = text(headers, header::FILE_NAME);
        if file_name.is_empty() {
            return Err((&problem::MISSING_NAME).into());
        }
        let refused = |e| ApiError::from(&problem::INVALID_NAME).detail(format!("It {e}."));
        let key = ObjectKey::parse(&file_name).map_err(refused)?;
        let provider = Some(text(headers, header::PROVIDER)).filter(|p| !p.is_empty());
        Ok(Self { key, provider })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().expect("a name"), HeaderValue::from_bytes(v).expect("value"))).collect()
    }

    #[test]
    fn reads_utf8_and_latin1() {
        let map = headers(&[(header::FILE_NAME, "été.mp4".as_bytes()), (header::DEVICE, b" caf\xe9 ")]);
        assert_eq!(text(&map, header::FILE_NAME), "été.mp4");
        assert_eq!(text(&map, header::DEVICE), "café");
        assert_eq!(text(&map, header::CAPTURE), "");
    }

    #[test]
    fn says_which_credential_is_missing() {
        let code =
            |pairs: &[(&'static str, &[u8])]| Credentials::parse(&headers(pairs)).expect_err("refused").problem.code;
        assert_eq!(code(&[]), "file_missing_access_key");
        assert_eq!(code(&[(header::ACCESS_KEY, b"a")]), "file_missing_secret_access_key");
        assert_eq!(
            code(&[(header::ACCESS_KEY, &[b'a'; 600]), (header::SECRET_KEY, b"s")]),
            "storage_account_not_found"
        );
    }

    #[test]
    fn readers_send_a_full_key() {
        let wanted = RecordingName::parse(&headers(&[(header::FILE_NAME, b"dir/a.mp4")])).expect("valid");
        assert_eq!((wanted.key.as_str(), wanted.provider), ("dir/a.mp4", None));
        for bad in ["a.mp4", "../a.mp4", "/etc/passwd", "a\\b/c.mp4"] {
            assert!(RecordingName::parse(&headers(&[(header::FILE_NAME, bad.as_bytes())])).is_err(), "{bad}");
        }
    }
}
