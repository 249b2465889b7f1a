//! Times as text, in UTC.

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month and day of a day since 1970-01-01 (proleptic Gregorian).
pub fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The inverse of [`civil`].
pub fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn parts(ms: i64) -> (i64, i64, i64, i64, i64, i64) {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let seconds = ms.rem_euclid(DAY_MS) / 1000;
    (year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2026-07-27T10:15:00Z`, for machines.
pub fn iso(ms: i64) -> String {
    let (year, month, day, h, m, s) = parts(ms);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// `2026-07-27 10:15:00 UTC`, for people.
pub fn utc(ms: i64) -> String {
    let (year, month, day, h, m, s) = parts(ms);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02} UTC")
}

/// `27 Jul`.
pub fn day_label(day: i64) -> String {
    let (_, month, of_month) = civil(day);
    let name = usize::try_from(month - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or_default();
    format!("{of_month} {name}")
}

/// `27`.
pub fn day_of_month(day: i64) -> String {
    civil(day).2.to_string()
}

/// `2026-07-27T10:15`, the form of `<input type="datetime-local">`.
pub fn minute(ms: i64) -> String {
    let (year, month, day, h, m, _) = parts(ms);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}")
}

/// Reads `2026-07-27T10:15` or `2026-07-27T10:15:30` as UTC.
pub fn parse_minute(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|n| n.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.splitn(3, ':').map(|n| n.parse::<i64>().ok());
    let (h, m, s) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    let sane = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let valid = sane && (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s);
    valid.then(|| day_of(year, month, day) * DAY_MS + (h * 3600 + m * 60 + s) * 1000)
}

/// How long ago, roughly: `12 s ago`, `3 min ago`, `2 h ago`, `5 days ago`.
pub fn ago(now: i64, then: i64) -> String {
    format!("{} ago", age(now - then))
}

/// How long, roughly: `12 s`, `3 min`, `2 h`, `5 days`.
pub fn age(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-800_000..800_000).step_by(97) {
            let (year, month, of_month) = civil(day);
            assert_eq!(day_of(year, month, of_month), day);
        }
        assert_eq!(civil(19_782), (2024, 2, 29));
    }

    #[test]
    fn writes_and_reads_times() {
        let ms = 1_606_164_482_123;
        assert_eq!((iso(ms), utc(ms)), ("2020-11-23T20:48:02Z".into(), "2020-11-23 20:48:02 UTC".into()));
        assert_eq!(parse_minute(&minute(ms)), Some(1_606_164_480_000));
        assert_eq!(parse_minute("2020-11-23T20:48:02"), Some(1_606_164_482_000));
        for bad in ["", "2020-11-23", "2020-13-01T00:00", "2020-11-23T25:00", "a-b-cTd:e", "2020-11T00:00"] {
            assert_eq!(parse_minute(bad), None, "{bad:?}");
        }
        assert_eq!(day_label(19_782), "29 Feb");
    }

    #[test]
    fn says_how_long_ago() {
        let cases = [
            (500, "0 s ago"),
            (59_000, "59 s ago"),
            (180_000, "3 min ago"),
            (7_200_000, "2 h ago"),
            (500_000_000, "5 days ago"),
        ];
        for (age, text) in cases {
            assert_eq!(ago(age, 0), text);
        }
    }
}
