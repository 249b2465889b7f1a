//! Text files that can fill a multi-line setting.

/// The kind of file a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFile {
    /// A JSON document.
    Json,
    /// A certificate in PEM.
    Certificate,
}

impl TextFile {
    /// File name extensions, in the form that a browser's file dialog takes.
    pub const fn name_ends(self) -> &'static str {
        match self {
            Self::Json => ".json",
            Self::Certificate => ".pem,.crt,.cer",
        }
    }

    /// Refuses empty files and those too large to read; `size` in bytes.
    pub fn check_size(size: u64) -> Result<(), String> {
        match size {
            0 => Err("It is empty.".into()),
            1..=MAX => Ok(()),
            _ => Err(format!("It is larger than {} KiB: choose the right file.", MAX / 1024)),
        }
    }

    /// Refuses what cannot be the right file; the message repeats nothing of its content.
    pub fn check(self, text: &str) -> Result<(), &'static str> {
        // Browsers put this character in place of bytes that are not UTF-8.
        if text.contains([char::REPLACEMENT_CHARACTER, '\0']) {
            return Err(match self {
                Self::Json => "It is not text: choose the JSON file.",
                Self::Certificate => "It is not text: convert the certificate to PEM first.",
            });
        }
        match self {
            Self::Json if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => {
                Err("It is not JSON: choose the file as it was downloaded.")
            }
            Self::Certificate if text.contains("PRIVATE KEY-----") => {
                Err("It holds a private key: choose the file with the certificate alone.")
            }
            Self::Certificate if !text.contains("-----BEGIN CERTIFICATE-----") => {
                Err("It is not PEM: the file must have a line -----BEGIN CERTIFICATE-----.")
            }
            _ => Ok(()),
        }
    }
}

/// Longest value of a multi-line setting, in bytes.
pub const MAX_MULTILINE: usize = 16 * 1024;
const MAX: u64 = MAX_MULTILINE as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_too_large_or_empty() {
        assert_eq!(TextFile::check_size(MAX), Ok(()));
        assert_eq!(TextFile::check_size(MAX + 1), Err("It is larger than 16 KiB: choose the right file.".into()));
        assert_eq!(TextFile::check_size(0), Err("It is empty.".into()));
    }

    #[test]
    fn tells_the_right_file_from_others() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
        let both = format!("{key}{pem}");
        for (kind, text, told) in [
            (TextFile::Json, r#"{"type": "service_account"}"#, ""),
            (TextFile::Json, r#"{"type": "#, "not JSON"),
            (TextFile::Json, pem, "not JSON"),
            (TextFile::Json, "{\u{fffd}}", "not text"),
            (TextFile::Certificate, pem, ""),
            (TextFile::Certificate, "{}", "not PEM"),
            (TextFile::Certificate, key, "private key"),
            (TextFile::Certificate, &both, "private key"),
            (TextFile::Certificate, "0\u{fffd}\0", "convert the certificate to PEM"),
        ] {
            let said = kind.check(text).err().unwrap_or_default();
            assert_eq!((said.is_empty(), said.contains(told)), (told.is_empty(), true), "{kind:?} {text}: {said}");
        }
    }
}
