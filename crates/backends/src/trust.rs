//! Which certificates are trusted when an administrator names an authority.

use crate::http::Outgoing;
use model::field::FieldError;
use model::probe::ProbeFailure;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// The system's certificates, or only those in the field `ca_certificate` (PEM).
pub(crate) fn trusting(pem: &str, outgoing: &Outgoing) -> Result<Arc<ClientConfig>, Vec<FieldError>> {
    if pem.is_empty() {
        return Ok(outgoing.tls());
    }
    let wrong = || vec![FieldError::new("ca_certificate", "CA certificate is not a certificate that can be read")];
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        certificate.ok().and_then(|c| roots.add(c).ok()).ok_or_else(wrong)?;
    }
    if roots.is_empty() {
        return Err(wrong());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Advises to name the authority, where that would help.
pub(crate) fn name_the_authority(mut failure: ProbeFailure) -> ProbeFailure {
    if failure.reason.ends_with("is not trusted.") {
        failure.cure = "Paste the certificate of the authority that signed it into CA certificate, \
            or give the server one from an authority this machine trusts."
            .into();
    }
    failure
}
