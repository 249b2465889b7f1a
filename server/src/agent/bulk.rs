//! `POST /api/storage/bulk`: the addresses of many recordings at once (docs/protocol.md §7).

use super::caller::Caller;
use super::schema::{Lifetime, ProviderName};
use super::storage::{Data, base_url};
use crate::bodies;
use crate::peer::Peer;
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use model::ObjectKey;
use model::wire::parse_go_duration;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use utoipa::ToSchema;
use vault::{LookedUp, Signing, Wanted};

/// Most recordings of one call.
pub const MAX_ENTRIES: usize = 10_000;
/// Largest body, in bytes: 400 for each of them, three times what agents' names need.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// A body up to this size needs no turn.
const SMALL: u64 = 64 * 1024;
/// The answer to one up to this size, in bytes, may be read as slowly as any other.
const SHORT: usize = 4 * 1024;
/// Longest a body may take to arrive; also how long to wait for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// A recording whose address is wanted. Further fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Entry {
    /// Full key.
    #[schema(example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4")]
    filename: String,
    /// Provider's name; none or an empty one looks everywhere.
    #[serde(default)]
    #[schema(value_type = Option<ProviderName>, example = "local")]
    provider: Option<String>,
    /// How long its address is to be valid: a duration as Go writes it, or whole seconds as number or text. None, an empty
    /// one or zero is the usual time; longer than the configured most is that.
    #[serde(default, rename = "uriExpiryTime")]
    #[schema(value_type = Option<Lifetime>, example = "24h")]
    lifetime: Value,
}

/// One recording's address, as it is asked for.
#[derive(Debug)]
pub struct Asked {
    /// As the caller names it.
    pub filename: String,
    /// Provider's name; empty for any.
    pub provider: String,
    /// For how long; nothing is the usual time.
    pub lifetime: Option<Duration>,
}

/// Get many signed addresses
///
/// Takes a list of at most 10,000 recordings in at most 4 MiB. `data` in the answer is a text that holds JSON: an object with
/// an address for each file name. What the account has not, or what cannot be a recording's name, is left out.
#[utoipa::path(
    post, path = "/api/storage/bulk", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    request_body(content_type = "application/json", content = Vec<Entry>),
    responses(
        (status = 200, description = "The addresses, as JSON in a text.", body = Data,
            example = json!({"data": "{\"site-a/a.mp4\":\"https://vault.example/api/storage/signed?a=site-a&p=local&f=site-a/a.mp4&e=1606250882&s=9f2c…\"}"})),
        (status = 400, description = "Missing headers, or not such a list.", body = ErrorBody),
        (status = 401, description = "Wrong credentials, or a provider that the account may not use.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 413, description = "More than 10,000 recordings, or more than 4 MiB.", body = ErrorBody),
        (status = 415, description = "Compressed.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 503, description = "The database does not answer, or too many such lists are being worked on.", body = ErrorBody),
    )
)]
pub async fn sign_many(
    Caller(account): Caller,
    State(state): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let base = base_url(&state, &peer)?;
    let _turn = match body.size_hint().upper() {
        Some(size) if size <= SMALL => None,
        _ => Some(state.limits.bulk.take(account.id, PATIENCE).await.ok_or_else(busy)?),
    };
    let body = bodies::whole(&headers, body, "A list of recordings", MAX_BODY, PATIENCE).await?;
    let unread = match body.len() {
        ..=SHORT => None,
        _ => Some(state.limits.unread.take(account.id, PATIENCE).await.ok_or_else(busy)?),
    };
    let asked = parse(&body)?;
    drop(body);
    let wanted =
        asked.iter().map(|one| Wanted { key: ObjectKey::parse(&one.filename).ok(), provider: one.provider.clone() });
    let looked_up = state.vault.recordings.find_many(&account, &wanted.collect::<Vec<_>>()).await?;
    let (mut names, mut found) = (Vec::new(), Vec::new());
    for (one, looked_up) in asked.into_iter().zip(looked_up) {
        match looked_up {
            LookedUp::Found(recording) => {
                let ttl = state.http.signed_url_lifetime(one.lifetime);
                found.push(Signing { found: recording, ttl, remuxed: false });
                names.push(one.filename);
            }
            LookedUp::Nothing => {}
            LookedUp::NotItsProvider => return Err((&problem::PROVIDER_NOT_ALLOWED).into()),
        }
    }
    let urls = state.vault.recordings.sign_many(&found, &base).await?;
    drop(found);
    let urls: BTreeMap<String, String> = names.into_iter().zip(urls).collect();
    let data = serde_json::to_string(&urls).map_err(|error| ApiError::from(&problem::INTERNAL).caused_by(error))?;
    let answer = Json(Data { data }).into_response();
    Ok(match unread {
        Some(turn) => turn.until_read(answer),
        None => answer,
    })
}

fn busy() -> ApiError {
    ApiError::from(&problem::BUSY).detail("It is already signing long lists of recordings.")
}

/// Reads a body.
///
/// # Errors
/// `BODY_INVALID` and `BODY_TOO_LARGE`.
pub fn parse(body: &[u8]) -> Result<Vec<Asked>, ApiError> {
    let Entries { list, count } = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        invalid(format!("It must be a JSON array of objects with a filename; line {line}, column {column} is not."))
    })?;
    if count > MAX_ENTRIES {
        let detail = format!("It names {count} recordings, and {MAX_ENTRIES} are the most; ask in several calls.");
        return Err(ApiError::from(&problem::BODY_TOO_LARGE).detail(detail));
    }
    let asked = |(index, entry): (usize, Entry)| {
        let lifetime = lifetime(&entry.lifetime).ok_or_else(|| {
            let number = index + 1;
            invalid(format!(
                "The uriExpiryTime of its entry {number} is neither a duration such as 30m or 24h, nor seconds."
            ))
        })?;
        let lifetime = Some(lifetime).filter(|lifetime| !lifetime.is_zero());
        Ok(Asked { filename: entry.filename, provider: entry.provider.unwrap_or_default(), lifetime })
    };
    list.into_iter().enumerate().map(asked).collect()
}

fn invalid(detail: String) -> ApiError {
    ApiError::from(&problem::BODY_INVALID).detail(detail)
}

/// How long an address is to be valid, in whole seconds; zero if that is not said.
fn lifetime(value: &Value) -> Option<Duration> {
    let duration = match value {
        Value::Null => Duration::ZERO,
        Value::Number(number) => seconds(&number.to_string())?,
        Value::String(text) if text.is_empty() => Duration::ZERO,
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => seconds(text)?,
        Value::String(text) => parse_go_duration(text)?,
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(Duration::from_secs(duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))))
}

/// Whole seconds, zero or more; too many are the longest time there is.
fn seconds(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    // Programs that know one kind of number only write 3600.0 or 3.6e3.
    let number: f64 = text.parse().ok().filter(|number: &f64| *number >= 0.0 && number.fract() == 0.0)?;
    Some(Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

/// A list, of which no more is kept than may be asked for.
struct Entries {
    list: Vec<Entry>,
    count: usize,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Bounded)
    }
}

struct Bounded;

impl<'de> Visitor<'de> for Bounded {
    type Value = Entries;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a list of recordings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Entries, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX_ENTRIES {
            match sequence.next_element()? {
                Some(entry) => list.push(entry),
                None => return Ok(Entries { count: list.len(), list }),
            }
        }
        let mut count = list.len();
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Entries { list, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn seconds_of(value: &Value) -> Option<u64> {
        lifetime(value).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn a_lifetime_is_a_go_duration_or_whole_seconds() {
        for (value, seconds) in [
            (json!("30m"), 1800),
            (json!("1h30m"), 5400),
            (json!("24h"), 86_400),
            (json!("1.5h"), 5400),
            (json!("250ms"), 1),
            (json!("1500ms"), 2),
            (json!(600), 600),
            (json!("600"), 600),
            (json!(600.0), 600),
            (json!("99999999999999999999999"), u64::MAX),
            (json!(1e300), u64::MAX),
            (json!(""), 0),
            (json!(0), 0),
            (json!("0s"), 0),
            (Value::Null, 0),
        ] {
            assert_eq!(seconds_of(&value), Some(seconds), "{value}");
        }
        for value in [
            json!("1d"),
            json!("tomorrow"),
            json!("-5m"),
            json!(-1),
            json!(1.5),
            json!("1.5"),
            json!(" 1h"),
            json!(true),
            json!([]),
            json!({}),
        ] {
            assert_eq!(seconds_of(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn seconds_as_number_and_as_text_are_the_same(seconds: u64) {
            prop_assert_eq!(seconds_of(&json!(seconds)), Some(seconds));
            prop_assert_eq!(seconds_of(&json!(seconds.to_string())), Some(seconds));
        }
    }

    #[test]
    fn a_list_is_read_as_clients_write_it() {
        let body = br#"[{"filename":"a/b.mp4","provider":"local","uriExpiryTime":"1h","more":[1]},{"filename":"c"},
            {"filename":"d","provider":null,"uriExpiryTime":0},{"filename":"e","provider":"","uriExpiryTime":""}]"#;
        let asked = parse(body).expect("valid");
        let told: Vec<_> =
            asked.iter().map(|one| (one.filename.as_str(), one.provider.as_str(), one.lifetime)).collect();
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(told, [("a/b.mp4", "local", hour), ("c", "", None), ("d", "", None), ("e", "", None)]);
        assert!(parse(b"[]").expect("valid").is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, part) in [
            ("", "line 1, column 0"),
            ("{}", "must be a JSON array"),
            ("[{\"provider\":\"local\"}]", "objects with a filename"),
            ("[{\"filename\":7}]", "objects with a filename"),
            ("[{\"filename\":\"a\"}", "line 1, column 17"),
            ("[{\"filename\":\"a\"},{\"filename\":\"b\",\"uriExpiryTime\":\"soon\"}]", "uriExpiryTime of its entry 2"),
        ] {
            let refused = parse(body.as_bytes()).expect_err(body);
            let told = format!("{refused:?}");
            assert!(refused.code() == "body_invalid" && told.contains(part), "{body}: {told}");
        }
    }

    #[test]
    fn a_list_has_its_most() {
        let list = |count: usize| format!("[{}]", vec!["{\"filename\":\"a\"}"; count].join(","));
        assert_eq!(parse(list(MAX_ENTRIES).as_bytes()).expect("as many as may be").len(), MAX_ENTRIES);
        let refused = parse(list(MAX_ENTRIES + 1).as_bytes()).expect_err("too many");
        assert!(refused.code() == "body_too_large" && format!("{refused:?}").contains("10001"), "{refused:?}");
    }
}
