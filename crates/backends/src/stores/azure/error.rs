//! What Azure says, in plain words. Its text is never passed on; codes are, if they look like codes.

use crate::net::request_failure;
use crate::stores::request_failure::{LOST_PARTS, RequestFailure, printable};
use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::headers::HeaderName;
use model::error::StoreErrorKind;
use std::time::{Duration, SystemTime};

/// Azure refuses signatures when the clocks differ by more than this.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// The names that messages use.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) container: String,
    /// `host:port`.
    pub(super) server: String,
    /// Whether requests are signed with the account's key rather than a SAS token.
    pub(super) by_key: bool,
}

/// Puts an SDK error into words.
pub(super) fn trouble(error: Error, names: &Names, now: SystemTime) -> RequestFailure {
    let told = match error.kind() {
        ErrorKind::HttpResponse { status, error_code, raw_response } => {
            let date =
                raw_response.as_ref().and_then(|r| r.headers().get_optional_str(&HeaderName::from_static("date")));
            let skewed = date
                .and_then(|date| httpdate::parse_http_date(date).ok())
                .is_some_and(|server| apart(server, now) > SKEW);
            // Without a code, the client puts the status in its place. Azurite calls a wrong key what Azure calls a
            // blocked address, but with Azure's words for a wrong key.
            let code = error_code.as_deref().filter(|code| code.starts_with(char::is_alphabetic));
            let text = raw_response.as_ref().and_then(|r| str::from_utf8(r.body()).ok()).unwrap_or_default();
            let code = match code {
                Some("AuthorizationFailure") if text.contains("failed to authenticate") => "AuthenticationFailed",
                code => code.unwrap_or_default(),
            };
            of_answer((*status).into(), code, skewed, names)
        }
        ErrorKind::DataConversion => like_no_server(names, 200),
        _ => match error.get_ref() {
            Some(cause) => RequestFailure::of_connection(request_failure(cause, &names.server)),
            None => like_no_server(names, 200),
        },
    };
    told.caused_by(error)
}

fn of_answer(status: u16, code: &str, skewed: bool, names: &Names) -> RequestFailure {
    use StoreErrorKind::{Denied, Interrupted, Unavailable};
    match (code, status) {
        ("ContainerNotFound" | "ContainerBeingDeleted" | "ContainerDisabled", _) => no_container(&names.container),
        ("BlobAlreadyExists" | "ConditionNotMet" | "TargetConditionNotMet", _) | (_, 412) => RequestFailure::taken(),
        ("BlobNotFound" | "ResourceNotFound", _) => RequestFailure::no_object(),
        ("InvalidBlockList" | "InvalidBlobOrBlock" | "InvalidBlockId", _) => {
            RequestFailure::new(Interrupted, LOST_PARTS, "Send it again.")
        }
        ("Md5Mismatch" | "Crc64Mismatch", _) => RequestFailure::new(
            Unavailable,
            "What arrived at the store is not what was sent.",
            "Look for a proxy or a faulty network card between the vault and the store.",
        ),
        ("InvalidRange", _) | (_, 416) => RequestFailure::out_of_range(),
        (_, 401 | 403) if skewed => RequestFailure::new(
            Denied,
            "The vault's clock differs too much from the store's.",
            "Set up NTP on this machine.",
        ),
        ("AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation", _) | (_, 401) => {
            if names.by_key {
                RequestFailure::new(
                    Denied,
                    "The account key does not belong to this storage account.",
                    "Copy key1 or key2 again from the account's access keys; rotated keys stop working.",
                )
            } else {
                RequestFailure::new(
                    Denied,
                    "The store does not accept the SAS token.",
                    "Make a new one: it may have expired, or the key it was signed with has been rotated.",
                )
            }
        }
        ("KeyBasedAuthenticationNotPermitted", _) => RequestFailure::new(
            Denied,
            "The storage account does not allow account keys.",
            "Allow storage account key access in the account's configuration.",
        ),
        ("AccountIsDisabled", _) => {
            RequestFailure::new(Denied, "The storage account is disabled.", "Check the subscription in the portal.")
        }
        ("AuthorizationFailure", _) => RequestFailure::new(
            Denied,
            "The storage account's network rules keep the vault out.",
            "Allow the vault's address in the account's networking settings, or in the SAS token's IP range.",
        ),
        ("BlobImmutableDueToPolicy" | "BlobBeingRehydrated" | "BlobArchived" | "SnapshotsPresent", _) => {
            RequestFailure::new(
                Denied,
                "A policy of the container keeps the blob as it is.",
                "Use a container without immutability policy and legal hold: the vault replaces and deletes blobs.",
            )
        }
        ("RequestBodyTooLarge" | "BlockCountExceedsLimit" | "BlockListTooLong", _) | (_, 413) => {
            RequestFailure::new(Denied, "The store does not take objects of this size.", "Record shorter files.")
        }
        ("AccountLimitExceeded" | "InsufficientAccountPermissions" | "QuotaExceeded", _) | (_, 507) => {
            RequestFailure::full()
        }
        ("ServerBusy", _) | (_, 429) => RequestFailure::slow_down(),
        ("OperationTimedOut", _) | (_, 408) => RequestFailure::new(
            Unavailable,
            "The store gave up waiting for the recording's bytes.",
            "Check the network's speed.",
        ),
        (_, 403) => RequestFailure::new(
            Denied,
            "The store denies access.",
            format!("Allow reading, creating, writing, deleting and listing in container '{}'.", names.container),
        ),
        (_, 300..=399) => RequestFailure::new(
            Denied,
            "The container is served at another address.",
            "Check account and endpoint; the vault follows no redirects.",
        ),
        (_, 500..) => RequestFailure::of_its_own(status),
        (_, 404) => RequestFailure::no_object(),
        (code, _) if printable(code).is_empty() => like_no_server(names, status),
        (code, _) => RequestFailure::new(
            Denied,
            format!("The store refuses the request{}.", printable(code)),
            "See the vault's log.",
        ),
    }
}

fn like_no_server(names: &Names, status: u16) -> RequestFailure {
    RequestFailure::new(
        StoreErrorKind::Unavailable,
        format!("{} does not answer like Azure Blob Storage (status {status}).", names.server),
        "Check the endpoint; leave it empty for Azure's public cloud.",
    )
}

pub(super) fn no_container(container: &str) -> RequestFailure {
    RequestFailure::new(
        StoreErrorKind::Denied,
        format!("There is no container '{container}'."),
        "Make the container, or check its name; the vault makes none.",
    )
}

fn apart(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|e| e.duration())
}
