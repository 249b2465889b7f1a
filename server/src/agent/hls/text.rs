//! Timelines as clients and players read them (RFC 8216; docs/protocol.md §12). Both are written piece by piece: a day of one
//! camera takes megabytes.

use model::mp4::{RangeOnTime, Unplayable, playlist_head};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;
use utoipa::ToSchema;
use vault::timeline::Timed;

/// A recording of a timeline, as clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HlsRecording {
    /// File name, for which a client puts the address.
    #[schema(example = "1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4")]
    key: String,
    /// Full key.
    #[schema(example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4")]
    filename: String,
    /// Key of its camera.
    #[schema(example = "camera-1")]
    camera_id: String,
    /// When it began, Unix seconds.
    #[schema(example = 1606164482)]
    timestamp: i64,
    /// Signed address.
    #[schema(
        example = "https://vault.example/api/storage/signed?a=site-a&p=local&f=site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4&e=1606250882&s=9f2c…"
    )]
    url: String,
    /// Where it begins in the timeline, seconds.
    #[schema(example = 0.0)]
    start: f64,
    /// Where it ends there, seconds.
    #[schema(example = 19.967)]
    end: f64,
    /// How long it plays, seconds; 0 if it cannot be played.
    #[schema(example = 19.967)]
    duration: f64,
    /// Its lines of a playlist; empty if it cannot be played.
    #[schema(
        example = "#EXT-X-MAP:URI=\"1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4\",BYTERANGE=\"680@0\"\n#EXTINF:19.967000,\n#EXT-X-BYTERANGE:5014474@680\n1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4\n"
    )]
    bytes_ranges: String,
    /// The same fragments as data.
    #[schema(value_type = Vec<Object>, example = json!([{"duration": "19.967000", "time": "19.967000", "range": "5014474@680"}]))]
    bytes_range_on_time: Vec<RangeOnTime>,
    /// Why it cannot be played.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
}

/// The recordings with their addresses as a JSON array, in pieces.
pub(super) fn metadata(recordings: Vec<(Timed, String)>) -> impl Iterator<Item = String> {
    let (mut before, mut start_us) = ('[', 0_u64);
    let end = if recordings.is_empty() { "[]" } else { "]" };
    let entries = recordings.into_iter().map(move |(one, url)| {
        let end_us = start_us.saturating_add(one.hls.as_ref().map_or(0, model::mp4::Hls::duration_us));
        let entry = entry(&one, url, start_us, end_us);
        start_us = end_us;
        let mut text = String::from(std::mem::replace(&mut before, ','));
        text += &serde_json::to_string(&entry).expect("texts and numbers serialise");
        text
    });
    entries.chain([end.to_owned()])
}

fn entry(one: &Timed, url: String, start_us: u64, end_us: u64) -> HlsRecording {
    let key = one.found.key.file_name();
    let hls = one.hls.as_ref().ok();
    HlsRecording {
        key: key.to_owned(),
        filename: one.found.key.to_string(),
        camera_id: one.device.clone(),
        timestamp: one.timestamp.div_euclid(1000),
        url,
        start: seconds(start_us),
        end: seconds(end_us),
        duration: seconds(end_us - start_us),
        bytes_ranges: hls.map(|hls| hls.lines(key)).unwrap_or_default(),
        bytes_range_on_time: hls.map(model::mp4::Hls::range_on_time).unwrap_or_default(),
        problem: one.hls.as_ref().err().map(|why| Unplayable::sentence(*why)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years are exact")]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000_000.0
}

/// The recordings with their addresses as a playlist, in pieces. What cannot be played is told in comments, which players skip.
pub(super) fn playlist(recordings: Vec<(Timed, String)>) -> impl Iterator<Item = String> {
    let target_s = recordings.iter().filter_map(|(one, _)| one.hls.as_ref().ok()).map(model::mp4::Hls::target_s).max();
    let mut is_first = true;
    let entries = recordings.into_iter().map(move |(one, url)| match &one.hls {
        Ok(hls) => {
            let before = if std::mem::take(&mut is_first) { "" } else { "#EXT-X-DISCONTINUITY\n" };
            format!("{before}{}{}", date(one.timestamp), hls.segments(&url))
        }
        Err(why) => format!("# Left out: {}. {}\n", one.found.key, why.sentence()),
    });
    std::iter::once(playlist_head(target_s.unwrap_or(0))).chain(entries).chain(["#EXT-X-ENDLIST\n".to_owned()])
}

/// When what follows was recorded, so that a player finds a time of day.
fn date(timestamp_ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(timestamp_ms) * 1_000_000).ok();
    let text = moment.and_then(|moment| moment.format(format).ok());
    text.map(|text| format!("#EXT-X-PROGRAM-DATE-TIME:{text}\n")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_iso_8601() {
        assert_eq!(date(1_606_164_482_818), "#EXT-X-PROGRAM-DATE-TIME:2020-11-23T20:48:02.818Z\n");
        assert_eq!(date(1_606_164_482_000), "#EXT-X-PROGRAM-DATE-TIME:2020-11-23T20:48:02.000Z\n");
        assert_eq!(date(i64::MAX), "");
    }

    #[test]
    fn nothing_is_an_empty_array_and_an_empty_playlist() {
        assert_eq!(metadata(Vec::new()).collect::<String>(), "[]");
        let empty: String = playlist(Vec::new()).collect();
        assert!(empty.starts_with("#EXTM3U\n") && empty.ends_with("#EXT-X-ENDLIST\n"), "{empty}");
    }

    #[test]
    fn seconds_have_a_dot_and_no_noise() {
        for (us, text) in [(0, "0.0"), (19_967_000, "19.967"), (1, "1e-6"), (86_400_000_001, "86400.000001")] {
            assert_eq!(serde_json::to_string(&seconds(us)).expect("a number"), text);
        }
    }
}
