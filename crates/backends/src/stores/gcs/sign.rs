//! URLs that read an object without credentials: V4 signing with the service account's key.
//! <https://cloud.google.com/storage/docs/access-control/signed-urls>

use super::key::Signing;
use crate::stores::encoding::{encode, path_of};
use model::ObjectKey;
use model::media_type;
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::macros::format_description;

const ALGORITHM: &str = "GOOG4-RSA-SHA256";
/// Longest validity of a signed URL: the protocol's own limit.
const MAX_SIGNED: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn signed_url(
    signing: &Signing,
    base: &Url,
    bucket: &str,
    key: &ObjectKey,
    now: SystemTime,
    expires_in: Duration,
) -> String {
    let now = OffsetDateTime::from(now);
    let stamp = now
        .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
        .expect("a time of day can be formatted");
    let scope = format!("{}/auto/storage/goog4_request", &stamp[..8]);
    let credential = format!("{}/{scope}", signing.account.client_email);
    let lifetime = expires_in.min(MAX_SIGNED).as_secs().to_string();
    // In order of name, as they are signed.
    let query = [
        ("X-Goog-Algorithm", ALGORITHM),
        ("X-Goog-Credential", &credential),
        ("X-Goog-Date", &stamp),
        ("X-Goog-Expires", &lifetime),
        ("X-Goog-SignedHeaders", "host"),
        ("response-content-disposition", "inline"),
        ("response-content-type", media_type::of(key.as_str())),
    ];
    let query = query.map(|(name, value)| format!("{name}={}", encode(value))).join("&");
    let path = format!("{}/{bucket}/{}", base.path().trim_end_matches('/'), path_of(key.as_str()));
    let host = host_of(base);
    let request = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
    let signature = hex::encode(signing.sign(to_sign.as_bytes()));
    format!("{}://{host}{path}?{query}&X-Goog-Signature={signature}", base.scheme())
}

/// The `Host` header's form: with the port, unless it is the scheme's default.
fn host_of(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
