//! What the other vault's answer means, in plain words. Its error codes are known (docs/protocol.md §1); its text is
//! not passed on.

use crate::http::Answer;
use crate::sinks::refusal::Refusal;
use model::wire::code;
use serde_json::Value;

/// What happened to a recording that was sent.
pub(super) enum Taken {
    /// The other vault has it for good.
    Stored,
    /// It came from there: vaults forward in a ring.
    Loop,
    /// It has been deleted here.
    Gone,
}

/// Interprets the answer to a recording.
pub(super) fn to_recording(answer: &Answer) -> Result<Taken, Refusal> {
    match (answer.status.as_u16(), name(answer).as_deref()) {
        (200, _) => Ok(Taken::Stored),
        (409, Some(code::FORWARD_LOOP)) => Ok(Taken::Loop),
        (status, named) => Err(refused(status, named.unwrap_or_default())),
    }
}

/// What an answer that is none to be content with means.
pub(super) fn refusal(answer: &Answer) -> Refusal {
    refused(answer.status.as_u16(), name(answer).as_deref().unwrap_or_default())
}

/// Whether an answer has this code.
pub(super) fn names(answer: &Answer, code: &str) -> bool {
    name(answer).as_deref() == Some(code)
}

/// Whether a conflict is one of the recording with what the other vault has, not of the request with how far an upload is.
pub(super) fn is_about_the_recording(answer: &Answer) -> bool {
    use code::{DIRECTORY_TAKEN, FORWARD_LOOP, KEY_CLASH, KEY_FOREIGN, KEY_TAKEN, LOCKED};
    let conflicts = [FORWARD_LOOP, KEY_TAKEN, KEY_FOREIGN, KEY_CLASH, DIRECTORY_TAKEN, LOCKED];
    name(answer).is_some_and(|name| conflicts.contains(&name.as_str()))
}

/// Interprets the answer to a ping.
pub(super) fn to_ping(answer: &Answer) -> Result<(), Refusal> {
    match answer.status.as_u16() {
        200 => Ok(()),
        status => Err(refused(status, name(answer).as_deref().unwrap_or_default())),
    }
}

/// The error code. Only the start of the body is at hand, so its JSON may be cut off.
fn name(answer: &Answer) -> Option<String> {
    if let Ok(envelope) = serde_json::from_slice::<Value>(&answer.start) {
        return envelope.get("error")?.as_str().map(str::to_owned);
    }
    let text = String::from_utf8_lossy(&answer.start);
    let name = text.split_once("\"error\":\"")?.1.split_once('"')?.0;
    Some(name.to_owned())
}

/// Nothing is final: everything that settings, credentials or room over there can mend is tried again.
fn refused(status: u16, named: &str) -> Refusal {
    let says = format!("The other vault answers {status}");
    match (status, named) {
        (400, code::DIRECTORY_MISSING) => Refusal::refused(
            format!("{says}: its account wants a directory."),
            "Enter a directory, or give the account there a fixed one.",
        ),
        (400, code::DIRECTORY_INVALID) => Refusal::refused(
            format!("{says}: it does not accept the directory."),
            "Correct the directory: plain names joined by slashes.",
        ),
        (400, code::FILE_INCOMPLETE) => Refusal::refused(
            format!("{says}: the recording broke off on its way."),
            "Check the link; it is sent again.",
        ),
        (401, _) => Refusal::denied(
            format!("{says}: it does not accept the access key or the secret key."),
            "Copy both again from the account in the other vault.",
        ),
        (403, code::ACCOUNT_DISABLED) => {
            Refusal::denied(format!("{says}: its account is disabled."), "Enable the account in the other vault.")
        }
        (403, code::PROVIDER_DISABLED) => Refusal::denied(
            format!("{says}: its storage provider is disabled."),
            "Enable the provider in the other vault.",
        ),
        (403, _) => Refusal::denied(
            format!("{says}: it denies access."),
            "Check the account in the other vault, and proxies in between.",
        ),
        (404, code::PROVIDER_NOT_FOUND) => Refusal::refused(
            format!("{says}: it has no storage provider of this name."),
            "Correct the provider, or leave it empty for the account's main one.",
        ),
        (404 | 405, _) => Refusal::refused(
            format!("{says}: there is no vault at this address."),
            "Enter the other vault's address with /api at its end.",
        ),
        (409, code::KEY_TAKEN) => Refusal::refused(
            format!("{says}: another account there has a recording of this name."),
            "Enter a directory that only this vault uses.",
        ),
        (409, code::LOCKED) => Refusal::refused(
            format!("{says}: it has another recording of this name, which is locked."),
            "Unlock it there, or enter a directory that only this vault uses.",
        ),
        (409, code::DIRECTORY_TAKEN) => Refusal::refused(
            format!("{says}: another account there has the directory to itself."),
            "Enter a directory that only this vault uses.",
        ),
        (409, code::KEY_FOREIGN) => Refusal::refused(
            format!("{says}: something that it has not stored lies under this name at its storage provider."),
            "Take it away there, or enter a directory that only this vault uses.",
        ),
        (409, code::KEY_CLASH) => Refusal::refused(
            format!("{says}: a recording there has the name of this one's directory, or the other way round."),
            "Enter a directory that only this vault uses.",
        ),
        (413, _) => Refusal::refused(
            format!("{says}: the recording is larger than it accepts."),
            "Raise limits.max_upload_bytes there, or the limit of a proxy in between.",
        ),
        (415, _) => {
            Refusal::refused(format!("{says}: it does not accept this kind of file."), "See the other vault's log.")
        }
        (408 | 423 | 425 | 429, _) => {
            Refusal::down(format!("{says}: it wants the recording later."), "Wait, or lower the transfers at a time.")
        }
        (300..400, _) => Refusal::refused(
            "The other vault answers with a redirect, which is not followed.",
            "Enter the final address.",
        ),
        (400..500, _) => Refusal::refused(format!("{says}: it refuses the recording."), "See the other vault's log."),
        (507, _) => {
            Refusal::down(format!("{says}: its storage provider is full."), "Make room at the other vault's provider.")
        }
        (500.., _) => Refusal::down(format!("{says}: it has trouble of its own."), "See the other vault's log."),
        _ => Refusal::refused(
            format!("{says}, not 200: it may not have the recording."),
            "Check that the address is a vault's, with /api at its end.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::SinkErrorKind;
    use reqwest::StatusCode;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("valid"),
            headers: Default::default(),
            start: body.to_owned().into(),
        }
    }

    #[test]
    fn no_answer_is_final() {
        let kind = |status, body: &str| match to_recording(&answer(status, body)) {
            Ok(_) => panic!("{status} is no success"),
            Err(refusal) => refusal.kind,
        };
        for status in 201..=599 {
            let wanted = match status {
                401 | 403 => SinkErrorKind::Denied,
                408 | 423 | 425 | 429 | 500.. => SinkErrorKind::Down,
                _ => SinkErrorKind::Refused,
            };
            assert_eq!(kind(status, ""), wanted, "{status}");
        }
        for (status, code, wanted) in [
            (400, "file_invalid_name", SinkErrorKind::Refused),
            (400, "file_incomplete", SinkErrorKind::Refused),
            (400, "storage_directory_missing", SinkErrorKind::Refused),
            (403, "storage_account_disabled", SinkErrorKind::Denied),
            (403, "storage_provider_disabled", SinkErrorKind::Denied),
            (404, "storage_provider_not_found", SinkErrorKind::Refused),
            (409, "file_belongs_to_another_account", SinkErrorKind::Refused),
            (409, "storage_directory_taken", SinkErrorKind::Refused),
            (409, "file_exists_at_provider", SinkErrorKind::Refused),
            (409, "file_name_clashes", SinkErrorKind::Refused),
        ] {
            assert_eq!(kind(status, &format!(r#"{{"error":"{code}"}}"#)), wanted, "{status} {code}");
        }
    }

    #[test]
    fn a_ring_is_noticed_even_when_the_answer_is_cut_off() {
        for body in [r#"{"error":"forward_loop","message":"x"}"#, r#"{"error":"forward_loop","message":"cut of"#] {
            assert!(matches!(to_recording(&answer(409, body)), Ok(Taken::Loop)), "{body}");
        }
        assert!(to_recording(&answer(400, r#"{"error":"forward_loop"}"#)).is_err());
    }
}
