//! The setting for a certificate authority of one's own.

use crate::field::{Field, FieldError};
use crate::text_file::TextFile;

/// Which authority to trust instead of the system's.
pub(super) const CA_CERTIFICATE: Field = Field::multiline("ca_certificate", "CA certificate")
    .placeholder("-----BEGIN CERTIFICATE-----")
    .help("For TLS with an authority of your own: its certificate as PEM. It is then the only one trusted.")
    .file(TextFile::Certificate)
    .target();

/// Checks that a certificate was pasted, not a key or a path.
pub(super) fn check_ca_certificate(pem: &str) -> Option<FieldError> {
    let wrong = !pem.is_empty() && (!pem.contains("-----BEGIN CERTIFICATE-----") || pem.contains("PRIVATE KEY"));
    wrong.then(|| {
        FieldError::new(
            "ca_certificate",
            "CA certificate must be the text of a PEM file that starts with -----BEGIN CERTIFICATE-----, without a key",
        )
    })
}
