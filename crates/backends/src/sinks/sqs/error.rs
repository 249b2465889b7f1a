//! What SQS says, in plain words. Its text is never passed on; its codes are known.

use crate::amazon::Unsigned;
use crate::net::{connection_failure, no_answer};
use crate::sinks::refusal::Refusal;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use model::integrations::Sqs;

/// Codes that services answering in XML, as SQS itself once did, may hide in their text.
const IN_TEXT: [&str; 8] = [
    "NonExistentQueue",
    "QueueDoesNotExist",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "AccessDenied",
    "RequestExpired",
];

/// A request that failed.
#[derive(Debug)]
pub(super) struct RequestFailure {
    pub(super) refusal: Refusal,
    /// Whether the queue does not exist: its cached URL may be outdated.
    pub(super) no_queue: bool,
}

impl RequestFailure {
    /// Puts an SDK error into words; `server` is `host:port`.
    pub(super) fn of<E>(error: SdkError<E>, settings: &Sqs, server: &str) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if let Some(unsigned) = Unsigned::of(&error) {
            return Self { refusal: Refusal { cause: Some(error.into()), ..unsigned.words().into() }, no_queue: false };
        }
        let (refusal, no_queue) = match (&error, error.raw_response()) {
            (SdkError::TimeoutError(_), _) => (no_answer(server).into(), false),
            (SdkError::DispatchFailure(e), _) if e.is_timeout() => (no_answer(server).into(), false),
            (SdkError::DispatchFailure(e), _) => {
                let failure =
                    e.as_connector_error().map_or_else(|| no_answer(server), |e| connection_failure(e, server));
                (failure.into(), false)
            }
            (_, Some(response)) => answered(code(error.code(), response), response.status().as_u16(), settings, server),
            _ => {
                let refusal = Refusal::down(
                    "These settings make no valid SQS request.",
                    "Check endpoint, region and queue name.",
                );
                (refusal, false)
            }
        };
        Self { refusal: Refusal { cause: Some(error.into()), ..refusal }, no_queue }
    }
}

/// The error's code, without what precedes its last dot or hash: `AWS.SimpleQueueService.…`, `com.amazonaws.sqs#…`.
fn code<'a>(told: Option<&'a str>, response: &'a HttpResponse) -> &'a str {
    let told = told.unwrap_or_default();
    match told.rsplit(['.', '#']).next() {
        Some(code) if !code.is_empty() => code,
        _ => {
            let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
            IN_TEXT.into_iter().find(|code| text.contains(code)).unwrap_or_default()
        }
    }
}

fn answered(code: &str, status: u16, settings: &Sqs, server: &str) -> (Refusal, bool) {
    let refusal = match (code, status) {
        ("NonExistentQueue" | "QueueDoesNotExist" | "QueueDeletedRecently", _) => {
            let refusal = Refusal::down(
                format!("There is no queue '{}' in region '{}'.", settings.topic, settings.region),
                "Make the queue, or check its name and region; the vault makes none. It must belong to the keys' account.",
            );
            return (refusal, true);
        }
        ("InvalidClientTokenId" | "InvalidAccessKeyId" | "UnrecognizedClientException" | "AuthFailure", _) => {
            Refusal::down(
                "SQS does not know this access key.",
                "Copy the access key again, and check that it is active.",
            )
        }
        ("SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature", _) => Refusal::down(
            "The secret key does not belong to this access key, or the region is another.",
            "Type the secret key again, and check the region and this machine's clock.",
        ),
        ("RequestExpired" | "ExpiredToken" | "RequestTimeTooSkewed", _) => {
            Refusal::down("The vault's clock differs too much from Amazon's.", "Set up NTP on this machine.")
        }
        ("KmsAccessDenied" | "KmsDisabled" | "KmsInvalidState" | "KmsNotFound" | "KmsOptInRequired", _)
        | ("KmsInvalidKeyUsage", _) => Refusal::down(
            "The key that the queue is encrypted with cannot be used.",
            "Allow the vault's user kms:GenerateDataKey and kms:Decrypt on it, and check that it is enabled.",
        ),
        ("AccessDenied" | "AccessDeniedException" | "InvalidSecurity" | "OptInRequired", _) | ("", 401 | 403) => {
            Refusal::down(
                format!("These keys may not use the queue '{}'.", settings.topic),
                "Check the keys, and allow their user sqs:GetQueueUrl and sqs:SendMessage on this queue.",
            )
        }
        ("RequestThrottled" | "Throttling" | "ThrottlingException" | "KmsThrottled" | "OverLimit", _) | (_, 429) => {
            Refusal::down("SQS asks to slow down.", "Wait a little; if it stays so, ask Amazon for a higher quota.")
        }
        ("InvalidMessageContents", _) => Refusal::hopeless(
            "The event holds characters that SQS does not take.",
            "Rename the camera that sends such names.",
        ),
        ("InvalidParameterValue" | "InvalidParameterValueException" | "ValidationException", _) => Refusal::refused(
            "SQS refuses the event; most likely it is larger than the queue takes.",
            "Raise the queue's maximum message size.",
        ),
        (_, 500..) => Refusal::down(
            format!("SQS has trouble of its own (status {status})."),
            "Wait; the service's status page may say more.",
        ),
        ("", _) => {
            Refusal::down(format!("{server} does not answer like SQS (status {status})."), "Check the endpoint.")
        }
        _ => Refusal::refused("SQS refuses the request.", "See the vault's log for what SQS said."),
    };
    (refusal, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::SinkErrorKind;

    /// A problem with queue or keys affects every event: the cameras wait.
    #[test]
    fn only_what_is_about_the_event_is_set_aside() {
        let settings = Sqs {
            topic: "recordings".into(),
            region: "eu-west-1".into(),
            endpoint: String::new(),
            access_key: "key".into(),
            secret_key: model::Secret::new("secret"),
            signed_url_hours: 0,
        };
        for (code, status, wanted) in [
            ("InvalidParameterValue", 400, SinkErrorKind::Refused),
            ("InvalidMessageContents", 400, SinkErrorKind::Hopeless),
            ("MissingParameter", 400, SinkErrorKind::Refused),
            ("QueueDoesNotExist", 400, SinkErrorKind::Down),
            ("InvalidClientTokenId", 403, SinkErrorKind::Down),
            ("SignatureDoesNotMatch", 403, SinkErrorKind::Down),
            ("AccessDenied", 403, SinkErrorKind::Down),
            ("KmsAccessDenied", 400, SinkErrorKind::Down),
            ("RequestThrottled", 403, SinkErrorKind::Down),
            ("OverLimit", 403, SinkErrorKind::Down),
            ("InternalFailure", 500, SinkErrorKind::Down),
            ("ServiceUnavailable", 503, SinkErrorKind::Down),
            ("", 302, SinkErrorKind::Down),
            ("", 404, SinkErrorKind::Down),
        ] {
            assert_eq!(answered(code, status, &settings, "sqs:443").0.kind, wanted, "{code} {status}");
        }
    }
}
