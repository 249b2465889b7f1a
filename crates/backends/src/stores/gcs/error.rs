//! What Google says, in plain words. Its text is never passed on; reasons are, if they look like reasons.

use crate::net::{request_failure, server_of};
use crate::stores::request_failure::{RequestFailure, printable};
use model::error::{Cause, StoreErrorKind};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

/// An error sent by the API.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The first of its reasons; may be empty.
    pub(super) reason: String,
}

#[derive(Deserialize)]
struct Body {
    error: Details,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: &[u8]) -> Self {
        let told = serde_json::from_slice::<Body>(body).ok().and_then(|body| body.error.errors.into_iter().next());
        Self { status: status.as_u16(), reason: told.map(|first| first.reason).unwrap_or_default() }
    }

    /// `server` is `host:port`.
    pub(super) fn trouble(&self, server: &str) -> RequestFailure {
        use StoreErrorKind::{Denied, Unavailable};
        match (self.reason.as_str(), self.status) {
            (_, 404) => RequestFailure::no_object(),
            (_, 412) => RequestFailure::taken(),
            (_, 416) => RequestFailure::out_of_range(),
            ("rateLimitExceeded" | "userRateLimitExceeded", _) | (_, 429) => RequestFailure::slow_down(),
            ("quotaExceeded" | "storageQuotaExceeded", _) => RequestFailure::full(),
            ("retentionPolicyNotMet" | "objectUnderActiveHold", _) => RequestFailure::new(
                Denied,
                "A retention policy or a hold keeps the object as it is.",
                "Use a bucket without retention policy and holds: the vault replaces and deletes objects.",
            ),
            ("accountDisabled" | "billingNotEnabled" | "UserProjectAccountProblem", _) => RequestFailure::new(
                Denied,
                "The bucket's project has been disabled, or its billing has.",
                "Check the project's billing in the Cloud console.",
            ),
            (_, 401) => RequestFailure::new(
                Denied,
                "Google does not accept the service account's token.",
                "Make a new key for the service account and paste it here.",
            ),
            (_, 403) => RequestFailure::new(
                Denied,
                "The service account has no permission for this.",
                "Grant it the role Storage Object User (roles/storage.objectUser) on the bucket.",
            ),
            (_, 408) => RequestFailure::new(
                Unavailable,
                "The store gave up waiting for the recording's bytes.",
                "Check the network's speed.",
            ),
            (_, 413) => {
                RequestFailure::new(Denied, "The store does not take objects of this size.", "Raise the store's limit.")
            }
            (_, 300..=399) => RequestFailure::new(
                Denied,
                "The bucket is served at another address.",
                "Check the endpoint; the vault follows no redirects.",
            ),
            (_, status @ 500..) => RequestFailure::of_its_own(status),
            ("", _) => self.like_no_server(server),
            (reason, _) => RequestFailure::new(
                Denied,
                format!("The store refuses the request{}.", printable(reason)),
                "See the vault's log.",
            ),
        }
    }

    /// Something other than Google Cloud Storage listens there.
    pub(super) fn like_no_server(&self, server: &str) -> RequestFailure {
        RequestFailure::new(
            StoreErrorKind::Unavailable,
            format!("{server} does not answer like Google Cloud Storage (status {}).", self.status),
            "Check the endpoint; leave it empty for Google's own.",
        )
    }
}

/// Why a request got no answer.
pub(super) fn of_request(cause: Cause, url: &Url) -> RequestFailure {
    RequestFailure::of_connection(request_failure(&*cause, &server_of(url))).caused_by(cause)
}

/// The token server's answer to a key (RFC 6749, 5.2). Its descriptions tell apart what needs different cures; they are
/// matched, not passed on.
pub(super) fn token_refused(status: StatusCode, body: &[u8]) -> RequestFailure {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Refusal {
        error: String,
        error_description: String,
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return RequestFailure::new(
            StoreErrorKind::Unavailable,
            format!("Google hands out no token at the moment (status {}).", status.as_u16()),
            "Try again in a while.",
        );
    }
    let refusal = serde_json::from_slice::<Refusal>(body).unwrap_or_default();
    let says = |text: &str| refusal.error_description.contains(text);
    let (reason, cure) = match refusal.error.as_str() {
        "invalid_grant" if says("short-lived") || says("iat") => {
            ("The vault's clock differs too much from Google's.", "Set up NTP on this machine.")
        }
        "invalid_grant" if says("account not found") => (
            "The service account does not exist any more.",
            "Make a service account and a key for it, and paste that here.",
        ),
        "invalid_grant" => (
            "Google does not accept this service account key.",
            "The key has been deleted or disabled: make a new one for the service account and paste it here.",
        ),
        "disabled_client" => ("The service account is disabled.", "Enable it in the Cloud console."),
        _ => (
            "No token is handed out for this service account key.",
            "Check token_uri in the key's JSON, or make a new key and paste it here.",
        ),
    };
    RequestFailure::new(StoreErrorKind::Denied, reason, cure)
}

pub(super) fn no_bucket(bucket: &str) -> RequestFailure {
    RequestFailure::new(
        StoreErrorKind::Denied,
        format!("There is no bucket '{bucket}'."),
        "Make the bucket, or check its name; the vault makes none.",
    )
}
