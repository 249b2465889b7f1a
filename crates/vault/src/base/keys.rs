//! The master key, and what is sealed and signed with it.

use crate::base::db::location::{beside, folder_of};
use crate::base::{Result, VaultError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use model::Secret;
use sha2::Sha256;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const NONCE: usize = 24;

/// Keys derived from the master key, one per purpose.
#[derive(Clone)]
pub struct Keys {
    seal: [u8; 32],
    link: [u8; 32],
    vault_id: String,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The given key is not 32 bytes of base64.
    #[error(
        "the master key must be 32 bytes in base64; make one with openssl rand -base64 32, or restore the one that this vault had"
    )]
    Malformed,
    /// The key file cannot be read or created.
    #[error("cannot read or make the master key file {path}: {source}; give the vault's user this file")]
    File {
        /// Path of the key file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Keys {
    /// Uses the given master key, else the key file, which is created (mode 0600) on first start.
    pub fn load(given: Option<&Secret>, file: &Path) -> std::result::Result<Self, KeyError> {
        let master = match given {
            Some(text) => decode(text.expose())?,
            None => {
                read_or_make(file).map_err(|source| KeyError::File { path: file.display().to_string(), source })??
            }
        };
        Ok(Self::derive(&master))
    }

    /// Like [`load`](Self::load), but never creates the file.
    pub(crate) fn existing(given: Option<&Secret>, file: &Path) -> std::result::Result<Option<Self>, KeyError> {
        if given.is_none() && !file.exists() {
            return Ok(None);
        }
        Self::load(given, file).map(Some)
    }

    fn derive(master: &[u8; 32]) -> Self {
        let vault_id = hex::encode(&mac(master, b"vault id v1")[..8]);
        Self { seal: mac(master, b"seal v1"), link: mac(master, b"link v1"), vault_id }
    }

    /// Tells this vault from those it forwards to; the same for all its replicas, and not secret.
    pub(crate) fn vault_id(&self) -> &str {
        &self.vault_id
    }

    /// Encrypts. `place` (table and row id) is bound to the result, so that it cannot be opened in another row.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random::<NONCE>();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).expect("sealing small texts in memory cannot fail");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what [`Keys::seal`] made for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(VaultError::Sealed)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Sealed)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(self.seal))
    }

    /// Signs the text of a link.
    pub(crate) fn sign_link(&self, text: &str) -> [u8; 32] {
        mac(&self.link, text.as_bytes())
    }
}

/// HMAC-SHA256.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source works");
    bytes
}

/// A random text of 160 bits, safe in headers, shells and URLs.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random::<20>()).replace(['-', '_'], "x")
}

/// A random id: 32 hexadecimal characters.
pub(crate) fn random_id() -> String {
    hex::encode(random::<16>())
}

fn decode(text: &str) -> std::result::Result<[u8; 32], KeyError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed)?;
    bytes.try_into().map_err(|_| KeyError::Malformed)
}

fn read_or_make(file: &Path) -> std::io::Result<std::result::Result<[u8; 32], KeyError>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(decode(&text)),
        Err(e) if e.kind() == ErrorKind::NotFound => make(file).map(Ok),
        Err(e) => Err(e),
    }
}

/// Makes a new key. Its file gets its name once it is whole and on disk: half a file would be taken for a wrong key.
fn make(file: &Path) -> std::io::Result<[u8; 32]> {
    let master = random::<32>();
    let unfinished = beside(file, ".unfinished");
    let write = || {
        let mut made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        writeln!(made, "{}", STANDARD.encode(master))?;
        made.sync_all()?;
        // Fails if there is one by now.
        std::fs::hard_link(&unfinished, file).or_else(|error| match error.kind() {
            ErrorKind::AlreadyExists => Err(error),
            // Some network shares have no links.
            _ => std::fs::rename(&unfinished, file),
        })?;
        File::open(folder_of(file))?.sync_all()
    };
    let written = write();
    let _ = std::fs::remove_file(&unfinished);
    written.map(|()| master)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_in_its_place_and_with_its_key() {
        let keys = Keys::derive(&[1; 32]);
        let sealed = keys.seal("accounts:1", b"secret");
        assert_eq!(keys.open("accounts:1", &sealed).expect("opens"), b"secret");
        assert!(keys.open("accounts:2", &sealed).is_err());
        assert!(Keys::derive(&[2; 32]).open("accounts:1", &sealed).is_err());
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
    }

    #[test]
    fn key_file_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("master.key");
        let first = Keys::load(None, &file).expect("made");
        let again = Keys::load(None, &file).expect("read");
        assert_eq!(first.seal, again.seal);
        assert_eq!(std::fs::metadata(&file).expect("exists").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_file_whose_making_was_cut_off_is_no_key() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("master.key");
        std::fs::write(dir.path().join("master.key.unfinished"), "QUFB").expect("written");
        Keys::load(None, &file).expect("a new one is made");
        let left: Vec<_> = std::fs::read_dir(dir.path()).expect("listed").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["master.key"]);
        make(&file).expect_err("it replaces none");
    }
}
