//! `POST /api/devices/heartbeat`: what an agent says about itself, every ten seconds, without credentials
//! (docs/protocol.md §8). Anyone can send one, so size, rate and number of unknown devices are bounded, and nothing in
//! it is believed.

use super::schema::{Beat, MAX_TEXT};
use crate::bodies;
use crate::limits::{group, seconds};
use crate::peer::Peer;
use crate::problem::{self, ApiError, ErrorBody};
use crate::security;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::time::Duration;
use utoipa::ToSchema;
use vault::devices::Heartbeat;

/// Largest heartbeat, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// Longest a heartbeat's body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Noted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Noted {
    /// Always `ok`.
    #[schema(example = "ok")]
    message: &'static str,
}

/// Say that a camera is alive
///
/// Sent by agents every ten seconds, without credentials. Unknown fields are kept; numbers are
/// taken where texts are expected.
#[utoipa::path(
    post, path = "/api/devices/heartbeat", tag = "Agents",
    request_body(
        content_type = "application/json", content = Beat,
        example = json!({"key": "front-door", "version": "3.1.8", "cameraname": "Front door", "hostname": "agent-1",
            "cameratype": "IPCamera", "architecture": "arm64", "uptime": "2 days", "mac_list": ["02:42:ac:11:00:02"]})
    ),
    responses(
        (status = 200, description = "Noted.", body = Noted),
        (status = 400, description = "Not a JSON object with a key, or a field of the wrong type.", body = ErrorBody),
        (status = 403, description = "Sent by another site's page.", body = ErrorBody),
        (status = 413, description = "Larger than 16 KiB.", body = ErrorBody),
        (status = 429, description = "Too many heartbeats, or too many devices that never uploaded.", body = ErrorBody),
    )
)]
pub async fn heartbeat(
    State(state): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Noted>, ApiError> {
    if security::is_from_elsewhere(&headers, &peer, state.http.public_url.as_ref()) {
        return Err((&problem::ORIGIN).into());
    }
    let body = bodies::whole(&headers, body, "A heartbeat", MAX_BODY, PATIENCE).await?;
    let beat = parse(&body).map_err(|why| ApiError::from(&problem::BODY_INVALID).detail(why));
    limit(&state, group(peer.ip), beat.as_ref().map_or("", |beat| &beat.key)).await?;
    let beat = beat?;
    if !state.vault.devices.heartbeat(beat).await? {
        let detail = "Too many devices have sent heartbeats without ever uploading.";
        return Err(ApiError::from(&problem::TOO_MANY).detail(detail).retry_after(600));
    }
    Ok(Json(Noted { message: "ok" }))
}

/// Cameras that have uploaded are limited each by itself; others, which anybody can make up, by address and all together.
async fn limit(state: &AppState, address: IpAddr, key: &str) -> Result<(), ApiError> {
    let (limits, now) = (&state.limits, state.vault.clock().elapsed());
    let taken = if !key.is_empty() && state.vault.devices.is_verified(key).await {
        limits.known_heartbeats.take((address, key.to_owned()), now)
    } else {
        limits.heartbeats.take(address, now).and_then(|()| limits.all_heartbeats.take((), now))
    };
    taken.map_err(|wait| ApiError::from(&problem::TOO_MANY).retry_after(seconds(wait)))
}

/// Reads a heartbeat's body.
///
/// # Errors
/// What is wrong with it, as a sentence for whoever sent it.
pub fn parse(body: &[u8]) -> Result<Heartbeat, String> {
    let mut details = match serde_json::from_slice(body) {
        Ok(Value::Object(details)) => details,
        Ok(_) => return Err("A heartbeat is a JSON object.".into()),
        Err(_) => return Err("It is not valid JSON.".into()),
    };
    details.values_mut().for_each(clean);
    let beat = Heartbeat {
        key: text(&details, "key")?,
        name: text(&details, "cameraname")?,
        version: text(&details, "version")?,
        hostname: text(&details, "hostname")?,
        capture: text(&details, "cameratype")?,
        details: Value::Null,
    };
    if beat.key.is_empty() {
        return Err("Its key is missing.".into());
    }
    Ok(Heartbeat { details: Value::Object(details), ..beat })
}

/// A text, or a number as text; empty if absent.
fn text(details: &Map<String, Value>, name: &str) -> Result<String, String> {
    let text = match details.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("'{name}' must be a text.")),
    };
    if text.chars().count() > MAX_TEXT {
        return Err(format!("'{name}' is longer than {MAX_TEXT} characters."));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("'{name}' holds control characters."));
    }
    Ok(text)
}

/// Removes NUL characters, which databases cannot store.
fn clean(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_agents_send() {
        let body = br#"{"key":"cam-1","version":3.1,"cameraname":" Front door ","mac_list":["a"],"onvif":true,"later":{"x":1},"hostname":null}"#;
        let beat = parse(body).expect("valid");
        assert_eq!(
            (beat.key.as_str(), beat.version.as_str(), beat.name.as_str(), beat.hostname.as_str()),
            ("cam-1", "3.1", "Front door", "")
        );
        assert_eq!(beat.details["later"]["x"], 1);
    }

    #[test]
    fn refuses_what_no_agent_sends() {
        for (body, why) in [
            ("", "It is not valid JSON."),
            ("[]", "A heartbeat is a JSON object."),
            ("{}", "Its key is missing."),
            (r#"{"key":["a"]}"#, "'key' must be a text."),
            (r#"{"key":"a","cameraname":{}}"#, "'cameraname' must be a text."),
            (r#"{"key":"a\u0007b"}"#, "'key' holds control characters."),
        ] {
            assert_eq!(parse(body.as_bytes()).expect_err("refused"), why, "{body}");
        }
        assert!(parse(format!(r#"{{"key":"{}"}}"#, "x".repeat(256)).as_bytes()).is_err());
        assert_eq!(parse(br#"{"key":"a","x":["b\u0000c"]}"#).expect("valid").details["x"][0], "bc");
    }
}
