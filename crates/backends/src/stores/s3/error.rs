//! What an S3 server says, in plain words. Its text is never passed on: some servers echo what they were sent. Codes
//! and region names are, if they look like such.

use crate::amazon::Unsigned;
use crate::net::{connection_failure, no_answer};
use crate::stores::request_failure::{LOST_PARTS, RequestFailure, UNKNOWN_UPLOAD, printable};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use model::error::StoreErrorKind;
use model::providers::S3Target;
use std::time::{Duration, SystemTime};

impl RequestFailure {
    /// Waiting may help with a role, but not without one.
    fn unsigned(why: &Unsigned) -> Self {
        let kind = match why {
            Unsigned::NoRole => StoreErrorKind::Denied,
            Unsigned::NotFetched => StoreErrorKind::Unavailable,
        };
        Self { kind, failure: why.words(), source: None }
    }

    /// Puts an SDK error into words; `server` is `host:port`.
    pub(super) fn of<E>(error: SdkError<E>, target: &S3Target, server: &str, now: SystemTime) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if let Some(unsigned) = Unsigned::of(&error) {
            return Self::unsigned(&unsigned).caused_by(error);
        }
        let told = match (&error, error.raw_response()) {
            (SdkError::TimeoutError(_), _) => Self::of_connection(no_answer(server)),
            (SdkError::DispatchFailure(e), _) if e.is_timeout() => Self::of_connection(no_answer(server)),
            (SdkError::DispatchFailure(e), _) => Self::of_connection(
                e.as_connector_error().map_or_else(|| no_answer(server), |e| connection_failure(e, server)),
            ),
            (_, Some(response)) => {
                Answer { response, code: error.code(), text: error.message() }.trouble(target, server, now)
            }
            _ => Self::new(
                StoreErrorKind::Denied,
                "These settings make no valid S3 request.",
                "Check endpoint, region and bucket.",
            ),
        };
        Self { source: Some(error.into()), ..told }
    }
}

/// An error sent by the server.
struct Answer<'a> {
    response: &'a HttpResponse,
    code: Option<&'a str>,
    text: Option<&'a str>,
}

impl Answer<'_> {
    fn trouble(&self, target: &S3Target, server: &str, now: SystemTime) -> RequestFailure {
        use StoreErrorKind::{Clash, Denied, Interrupted, NotFound, Unavailable};
        let status = self.response.status().as_u16();
        // Amazon tells no more than this in answer to HEAD.
        if self.code.is_none() && matches!(status, 301 | 307 | 400) && self.region(target).is_some() {
            return self.elsewhere(target);
        }
        match (self.code.unwrap_or_default(), status) {
            ("NoSuchBucket", _) => no_bucket(target),
            ("NoSuchKey" | "NotFound", _) => RequestFailure::no_object(),
            ("NoSuchUpload", _) => RequestFailure::new(NotFound, UNKNOWN_UPLOAD, "Send it again."),
            ("InvalidPart" | "InvalidPartOrder", _) => RequestFailure::new(Interrupted, LOST_PARTS, "Send it again."),
            // An old MinIO says 304.
            ("PreconditionFailed", _) | (_, 304 | 412) => RequestFailure::taken(),
            ("ConditionalRequestConflict", _) => RequestFailure::new(
                Unavailable,
                "Something else was storing an object of this name at the same time.",
                "Try again.",
            ),
            ("XMinioParentIsObject" | "XMinioObjectExistsAsDirectory", _) => RequestFailure::new(
                Clash,
                "The store has an object where this name needs a folder, or a folder of this name.",
                "Give it another name, or take away what lies there.",
            ),
            ("InvalidRange", _) | (_, 416) => RequestFailure::out_of_range(),
            ("RequestTimeTooSkewed" | "RequestExpired", _) => self.skewed(now),
            ("InvalidAccessKeyId", _) => RequestFailure::new(
                Denied,
                "The store does not know this access key.",
                "Copy the access key again, and check that it belongs to this server and has not been removed there.",
            ),
            ("SignatureDoesNotMatch", _) => RequestFailure::new(
                Denied,
                "The secret key does not belong to this access key.",
                "Type the secret key again. If it is right, check that no proxy between the vault and the store changes the Host header.",
            ),
            ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _)
            | (_, 301 | 307 | 308) => self.elsewhere(target),
            ("EntityTooLarge", _) => {
                RequestFailure::new(Denied, "The store does not take objects of this size.", "Raise the store's limit.")
            }
            ("XMinioStorageFull" | "QuotaExceeded" | "XMinioAdminBucketQuotaExceeded" | "InsufficientStorage", _)
            | (_, 507) => RequestFailure::full(),
            ("SlowDown" | "SlowDownRead" | "SlowDownWrite" | "Throttling" | "RequestLimitExceeded", _) | (_, 429) => {
                RequestFailure::slow_down()
            }
            ("BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch", _) => RequestFailure::new(
                Unavailable,
                "What arrived at the store is not what was sent.",
                "Look for a proxy or a faulty network card between the vault and the store.",
            ),
            ("RequestTimeout", _) => RequestFailure::new(
                Unavailable,
                "The store gave up waiting for the recording's bytes.",
                "Check the network's speed.",
            ),
            ("NotImplemented", _) | (_, 501) => RequestFailure::new(
                Denied,
                "The store lacks something the vault needs.",
                "Check that it is an S3-compatible server, and update it.",
            ),
            // Even in an answer with status 200: completing a multipart upload may fail after the head was sent.
            ("InternalError" | "ServiceUnavailable", _) | (_, 500..) => RequestFailure::of_its_own(status),
            (code, _) if code.starts_with("KMS.") || code.starts_with("InvalidEncryption") => RequestFailure::new(
                Denied,
                "The store cannot encrypt with this KMS key.",
                "Check the key's name, that it is enabled and in the bucket's region, and allow these keys kms:GenerateDataKey and kms:Decrypt.",
            ),
            ("InvalidStorageClass", _) => RequestFailure::new(
                Denied,
                "The store does not know this storage class.",
                "Choose another, or leave it to the bucket.",
            ),
            ("AccessDenied" | "AllAccessDisabled", _) | (_, 401 | 403) => RequestFailure::new(
                Denied,
                "The store denies access.",
                format!(
                    "Allow these keys to list, read, write and delete in bucket '{}', and check that they are active.",
                    target.bucket
                ),
            ),
            ("", 404) => RequestFailure::no_object(),
            ("", _) => RequestFailure::new(
                Unavailable,
                format!("{server} does not answer like an S3 server (status {status})."),
                "Check host and port: consoles often listen next to the S3 service.",
            ),
            (code, _) => RequestFailure::new(
                Denied,
                format!("The store refuses the request{}.", printable(code)),
                "See the store's log.",
            ),
        }
    }

    fn skewed(&self, now: SystemTime) -> RequestFailure {
        let server =
            self.response.headers().get("date").and_then(|d| DateTime::from_str(d, DateTimeFormat::HttpDate).ok());
        let by = server.and_then(|s| SystemTime::try_from(s).ok()).map(|server| match now.duration_since(server) {
            Ok(ahead) => format!("is {} ahead of", roughly(ahead)),
            Err(behind) => format!("is {} behind", roughly(behind.duration())),
        });
        let by = by.unwrap_or_else(|| "differs too much from".into());
        RequestFailure::new(
            StoreErrorKind::Denied,
            format!("The vault's clock {by} the store's."),
            "Set up NTP on both machines.",
        )
    }

    /// The region the server names, if it is another: in a header, or, when the signature's region was wrong, only in
    /// its text ("…; expecting 'eu-west-1'").
    fn region(&self, target: &S3Target) -> Option<&str> {
        let quoted = || self.text?.split("expecting '").nth(1)?.split('\'').next();
        let named = self.response.headers().get("x-amz-bucket-region").or_else(quoted);
        named.filter(|region| is_region(region) && *region != target.region)
    }

    fn elsewhere(&self, target: &S3Target) -> RequestFailure {
        match self.region(target) {
            Some(region) => RequestFailure::new(
                StoreErrorKind::Denied,
                format!("The bucket is in region '{region}', not in '{}'.", target.region),
                format!("Enter {region} as region."),
            ),
            _ => RequestFailure::new(
                StoreErrorKind::Denied,
                "The bucket is served at another address.",
                "Check region and endpoint; the vault follows no redirects.",
            ),
        }
    }
}

/// Whether the server refuses a checksum sent with the content. Most servers that do not know one ignore it.
pub(super) fn refuses_checksums<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let Some(response) = error.raw_response() else { return false };
    let named = || error.message().is_some_and(|text| text.to_ascii_lowercase().contains("checksum"));
    match error.code().unwrap_or_default() {
        "InvalidRequest" | "InvalidArgument" => named(),
        code => code == "NotImplemented" || response.status().as_u16() == 501,
    }
}

/// Whether something else was storing an object of the same name. Amazon asks for another try.
pub(super) fn is_conflict<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("ConditionalRequestConflict")
}

/// Whether the server does not know conditions on what it stores.
pub(super) fn refuses_conditions<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|response| response.status().as_u16());
    status == Some(501) || matches!(error.code(), Some("NotImplemented" | "InvalidArgument" | "InvalidRequest"))
}

/// A duration as a person would say it.
fn roughly(skew: Duration) -> String {
    let seconds = skew.as_secs();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(super) fn no_bucket(target: &S3Target) -> RequestFailure {
    RequestFailure::new(
        StoreErrorKind::Denied,
        format!("There is no bucket '{}'.", target.bucket),
        "Make the bucket, or check its name; the vault makes none.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_times_as_people_do() {
        let said = [59, 900, 10_800, 864_000].map(|s| roughly(Duration::from_secs(s)));
        assert_eq!(said, ["59 seconds", "15 minutes", "3 hours", "10 days"]);
    }

    #[test]
    fn takes_only_what_looks_like_a_region() {
        assert!(is_region("eu-west-1") && !is_region("eu west") && !is_region(""));
    }
}
