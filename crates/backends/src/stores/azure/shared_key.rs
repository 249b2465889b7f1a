//! Signing with an account's key, which the SDK does not do.
//!
//! Requests: <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>. URLs:
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>.

use crate::clock::Clock;
use crate::stores::encoding::encode;
use async_trait::async_trait;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use model::media_type;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::macros::format_description;

/// Headers that are signed by value, in this order; `content-length` and `date` are special.
const SIGNED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];
/// Version of a signed URL's fields.
const SAS_VERSION: &str = "2022-11-02";
/// Signed URLs are valid from this long ago, for clocks that differ.
const LEEWAY: Duration = Duration::from_secs(300);

/// An account and its key. Also a step of the SDK's pipeline, run for every attempt.
#[derive(Clone)]
pub(super) struct SharedKey {
    account: String,
    key: Arc<[u8]>,
    clock: Clock,
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedKey").field(&self.account).finish()
    }
}

impl SharedKey {
    /// `None` when the key is not base64.
    pub(super) fn new(account: &str, key: &str, clock: &Clock) -> Option<Self> {
        let key = BASE64_STANDARD.decode(key).ok()?;
        Some(Self { account: account.to_owned(), key: key.into(), clock: clock.clone() })
    }

    fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    /// The query of a URL that reads one blob until it expires.
    pub(super) fn reading(&self, container: &str, blob: &str, https: bool, expires_in: Duration) -> String {
        let now = self.clock.now();
        let (start, expiry) = (iso(now - LEEWAY), iso(now + expires_in));
        let protocol = if https { "https" } else { "" };
        let resource = format!("/blob/{}/{container}/{blob}", self.account);
        // Permissions, start, expiry, resource, policy, IP, protocol, version, kind, snapshot, encryption scope, and
        // the answer's headers: cache, disposition, encoding, language, type.
        let to_sign = [
            "r",
            &start,
            &expiry,
            &resource,
            "",
            "",
            protocol,
            SAS_VERSION,
            "b",
            "",
            "",
            "",
            "inline",
            "",
            "",
            media_type::of(blob),
        ]
        .join("\n");
        let signature = self.sign(&to_sign);
        let pairs = [
            ("sv", SAS_VERSION),
            ("sr", "b"),
            ("sp", "r"),
            ("st", &start),
            ("se", &expiry),
            ("spr", protocol),
            ("rscd", "inline"),
            ("rsct", media_type::of(blob)),
            ("sig", &signature),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
    }

    /// The part of a request that is signed.
    fn text_of(&self, request: &Request) -> String {
        let headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().trim().to_owned()))
            .collect();
        let length = request.body().len().filter(|length| *length > 0).map(|length| length.to_string());
        let mut text = request.method().as_str().to_owned();
        for name in SIGNED {
            let value = match name {
                "content-length" => length.as_deref().unwrap_or_default(),
                _ => headers.get(name).map_or("", String::as_str),
            };
            text.push('\n');
            text.push_str(value);
        }
        text.push('\n');
        for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
            text.push_str(&format!("{name}:{value}\n"));
        }
        text.push_str(&format!("/{}{}", self.account, request.url().path()));
        let mut query: Vec<_> =
            request.url().query_pairs().map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned())).collect();
        query.sort();
        for (name, value) in query {
            text.push_str(&format!("\n{name}:{value}"));
        }
        text
    }
}

#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header("x-ms-date", httpdate::fmt_http_date(self.clock.now()));
        let signature = self.sign(&self.text_of(request));
        request.insert_header("authorization", format!("SharedKey {}:{signature}", self.account));
        next[0].send(context, request, &next[1..]).await
    }
}

fn iso(at: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from(at).format(format).expect("a time of day can be formatted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::Method;
    use std::time::UNIX_EPOCH;

    #[test]
    fn signs_what_the_protocol_lists() {
        let clock = Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let key = SharedKey::new("account", "a2V5", &clock).expect("base64");
        let url = "https://h/account/vault/a%20b?comp=block&blockid=QQ%3D%3D".parse().expect("valid");
        let mut request = Request::new(url, Method::Put);
        request.insert_header("x-ms-version", "2022-11-02");
        request.insert_header("content-type", "video/mp4");
        request.insert_header("x-ms-date", httpdate::fmt_http_date(clock.now()));
        request.set_body("hello");
        assert_eq!(
            key.text_of(&request),
            "PUT\n\n\n5\n\nvideo/mp4\n\n\n\n\n\n\nx-ms-date:Tue, 14 Nov 2023 22:13:20 GMT\nx-ms-version:2022-11-02\n\
             /account/account/vault/a%20b\nblockid:QQ==\ncomp:block"
        );
        // From Python: base64.b64encode(hmac.new(b"key", b"text", "sha256").digest())
        assert_eq!(key.sign("text"), "avqQRqlXnK0UOjhMG1ZLmiUNJ9b2pj+fIL86dZTJ4sY=");
    }
}
