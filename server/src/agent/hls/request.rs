//! What a timeline is asked for with.

use crate::problem::{self, ApiError};
use model::ObjectKey;
use serde::Deserialize;
use serde_json::{Number, Value};
use utoipa::ToSchema;
use vault::timeline::{Asked, MAX_RECORDINGS};

/// Which recordings: those of cameras in a period, or those that are named. Further fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HlsRequest {
    /// Keys of cameras.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["camera-1"]))]
    device: Option<Texts>,
    /// First second of the period, Unix seconds.
    #[serde(default)]
    #[schema(value_type = f64, example = 1606164000)]
    start: Value,
    /// Its last second, Unix seconds.
    #[serde(default)]
    #[schema(value_type = f64, example = 1606167600)]
    end: Value,
    /// Full keys of recordings. If there are any, cameras and period do not count.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"]))]
    filenames: Option<Texts>,
}

/// A list, or the one that would be in it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    Many(Vec<String>),
    One(String),
}

impl Texts {
    fn into_list(texts: Option<Self>) -> Vec<String> {
        let list = match texts {
            None => Vec::new(),
            Some(Self::One(text)) => vec![text],
            Some(Self::Many(list)) => list,
        };
        list.into_iter().filter(|text| !text.is_empty()).collect()
    }
}

/// Reads a body.
///
/// # Errors
/// `BODY_INVALID` and `BODY_TOO_LARGE`.
pub(super) fn parse(body: &[u8]) -> Result<Asked, ApiError> {
    // A list would be taken for the object's fields, one after the other.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid(format!("{EXPECTED}.")));
    }
    let request: HlsRequest = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        invalid(format!("{EXPECTED}; line {line}, column {column} is not."))
    })?;
    let filenames = Texts::into_list(request.filenames);
    if !filenames.is_empty() {
        if filenames.len() > MAX_RECORDINGS {
            let detail = format!("It names {} recordings, and {MAX_RECORDINGS} are the most.", filenames.len());
            return Err(ApiError::from(&problem::BODY_TOO_LARGE).detail(detail));
        }
        // What cannot be a key is no recording's.
        return Ok(Asked::Keys(filenames.iter().filter_map(|name| ObjectKey::parse(name).ok()).collect()));
    }
    let devices = Texts::into_list(request.device);
    if devices.is_empty() {
        return Err(invalid("It names neither a device nor filenames.".to_owned()));
    }
    if devices.len() > MAX_DEVICES {
        return Err(invalid(format!("It names {} devices, and {MAX_DEVICES} are the most.", devices.len())));
    }
    let second = |name: &str, value: &Value| {
        seconds(value).ok_or_else(|| invalid(format!("{name} must be a time in Unix seconds.")))
    };
    let (start_s, end_s) = (second("start", &request.start)?, second("end", &request.end)?);
    if end_s < start_s {
        return Err(invalid("end is before start.".to_owned()));
    }
    Ok(Asked::Period { devices, start_s, end_s })
}

const EXPECTED: &str = "It must be a JSON object with device, start and end, or with filenames";
/// Most cameras of one request.
const MAX_DEVICES: usize = 100;

fn invalid(detail: String) -> ApiError {
    ApiError::from(&problem::BODY_INVALID).detail(detail)
}

/// A time in whole seconds; scripts of browsers send fractions.
#[expect(clippy::cast_possible_truncation, reason = "it was compared to what fits")]
fn seconds(value: &Value) -> Option<i64> {
    /// The year 9999.
    const LATEST: f64 = 253_402_300_799.0;
    let number = match value {
        Value::Number(number) => Number::as_f64(number)?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (0.0..=LATEST).contains(&number).then(|| number.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Asked, ApiError> {
        parse(body.to_string().as_bytes())
    }

    #[test]
    fn a_period_of_cameras() {
        for (body, wanted) in [
            (json!({"device": ["a", "b"], "start": 10, "end": 20}), (&["a", "b"][..], 10, 20)),
            (json!({"device": "a", "start": 10.9, "end": "20", "more": []}), (&["a"], 10, 20)),
            (json!({"device": ["a", ""], "start": 0, "end": 0, "filenames": []}), (&["a"], 0, 0)),
            (json!({"device": ["a"], "start": 1, "end": 2, "filenames": null}), (&["a"], 1, 2)),
        ] {
            let Asked::Period { devices, start_s, end_s } = read(&body).expect("valid") else { panic!("{body}") };
            let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
            assert_eq!((&devices[..], start_s, end_s), wanted, "{body}");
        }
    }

    #[test]
    fn names_count_before_cameras() {
        let body = json!({"filenames": ["dir/a.mp4", "../b", "c.mp4"], "device": ["a"], "start": "?"});
        let Asked::Keys(keys) = read(&body).expect("valid") else { panic!("{body}") };
        assert_eq!(keys.iter().map(ObjectKey::as_str).collect::<Vec<_>>(), ["dir/a.mp4"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, part) in [
            (json!([]), "a JSON object"),
            (json!(["a", 1, 2]), "a JSON object"),
            (json!({}), "neither a device nor filenames"),
            (json!({"filenames": []}), "neither a device nor filenames"),
            (json!({"device": [7], "start": 1, "end": 2}), "line 1"),
            (json!({"device": ["a"]}), "start must be"),
            (json!({"device": ["a"], "start": 1}), "end must be"),
            (json!({"device": ["a"], "start": 1, "end": "noon"}), "end must be"),
            (json!({"device": ["a"], "start": -1, "end": 2}), "start must be"),
            (json!({"device": ["a"], "start": 1, "end": 1e300}), "end must be"),
            (json!({"device": ["a"], "start": 2, "end": 1}), "end is before start"),
            (json!({"device": vec!["a"; MAX_DEVICES + 1], "start": 1, "end": 2}), "101 devices"),
        ] {
            let refused = read(&body).expect_err("refused");
            assert!(refused.code() == "body_invalid" && format!("{refused:?}").contains(part), "{body}: {refused:?}");
        }
        let many = json!({"filenames": vec!["a/b"; MAX_RECORDINGS + 1]});
        assert_eq!(read(&many).expect_err("too many").code(), "body_too_large");
    }
}
