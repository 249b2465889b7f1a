//! What an agent writes into a recording's file name (docs/protocol.md §5).

/// From here on a Unix time is one in milliseconds: as such the March of 1973, as seconds the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;
/// The end of the year 9999, Unix milliseconds.
const LATEST_MS: i64 = 253_402_300_799_999;

/// The parts of `<unix seconds>_<n>-<microseconds>_<instance name>_<x1-y1-x2-y2>_<changes>_<token>.mp4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFileName {
    /// Start of the recording as written: Unix seconds, or milliseconds; at most the end of the year 9999.
    pub timestamp: i64,
    /// How many digits the fraction of the second has.
    pub n: u8,
    /// The fraction of the second as written, below 1,000,000. Current agents write *milliseconds* here
    /// (`n` ≤ 3, not padded), older ones the constant 967003 (`n` = 6).
    pub microseconds: u32,
    /// The camera's name; may hold spaces, underscores or any script, and may be empty.
    pub instance_name: String,
    /// Where motion was seen: four numbers joined by `-`; `0-0-0-0` when unknown.
    pub region: String,
    /// How many pixels changed; -1 in a continuous recording of current agents.
    pub changes: i32,
    /// Duration in milliseconds in current agents, a number without meaning (769) in older ones.
    pub token: u64,
}

impl AgentFileName {
    /// Reads a file name (without directory). `None` when it was not made by an agent.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let stem = without_extension(name);
        // agents leave a trailing underscore when they could not add the duration
        let stem = stem.strip_suffix('_').unwrap_or(stem);

        let (timestamp, rest) = stem.split_once('_')?;
        let (fraction, rest) = rest.split_once('_')?;
        let (digits, microseconds) = fraction.split_once('-')?;
        let (rest, token) = rest.rsplit_once('_')?;
        let (rest, changes) = rest.rsplit_once('_')?;
        let (instance_name, region) = rest.rsplit_once('_')?;

        Some(Self {
            timestamp: number(timestamp).filter(|time| unix_ms(*time).is_some())?,
            n: number(digits)?,
            microseconds: number(microseconds).filter(|fraction| *fraction < 1_000_000)?,
            instance_name: instance_name.to_owned(),
            region: is_region(region).then(|| region.to_owned())?,
            changes: if changes == "-1" { -1 } else { number(changes)? },
            token: number(token)?,
        })
    }

    /// Start of the recording, Unix milliseconds. The fraction is not written twice: a time in milliseconds has its own.
    #[must_use]
    pub fn start_ms(&self) -> i64 {
        if self.timestamp >= MILLISECONDS_FROM {
            return self.timestamp;
        }
        let fraction = i64::from(self.microseconds);
        let fraction = if self.n <= 3 { fraction } else { fraction / 1000 };
        self.timestamp * 1000 + fraction.clamp(0, 999)
    }

    /// The same in Unix seconds.
    #[must_use]
    pub fn start_s(&self) -> i64 {
        self.start_ms() / 1000
    }
}

/// A Unix time in seconds or in milliseconds, told apart by its size, as milliseconds. `None` after the year 9999.
#[must_use]
pub fn unix_ms(time: i64) -> Option<i64> {
    let ms = if time < MILLISECONDS_FROM { time.checked_mul(1000)? } else { time };
    (ms <= LATEST_MS).then_some(ms)
}

/// The name without `.mp4`, in any case. A name without it lacks nothing.
fn without_extension(name: &str) -> &str {
    const EXTENSION: &str = ".mp4";
    let at = name.len().saturating_sub(EXTENSION.len());
    match name.split_at_checked(at) {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(EXTENSION) => stem,
        _ => name,
    }
}

/// Decimal digits only: no sign, no spaces.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Four numbers joined by `-`.
pub(crate) fn is_region(text: &str) -> bool {
    text.split('-').count() == 4 && text.split('-').all(|part| number::<u32>(part).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(name: &str) -> AgentFileName {
        AgentFileName::parse(name).unwrap_or_else(|| panic!("{name} should parse"))
    }

    fn write(name: &AgentFileName) -> String {
        let AgentFileName { timestamp, n, microseconds, instance_name, region, changes, token } = name;
        format!("{timestamp}_{n}-{microseconds}_{instance_name}_{region}_{changes}_{token}.mp4")
    }

    #[test]
    fn an_agents_recording() {
        let expected = AgentFileName {
            timestamp: 1_606_164_482,
            n: 6,
            microseconds: 818_812,
            instance_name: "FundoEsquerda".into(),
            region: "229-153-288-247".into(),
            changes: 51,
            token: 745,
        };
        assert_eq!(parse("1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"), expected);
    }

    #[test]
    fn the_file_of_an_agents_verify() {
        let name = parse("1700000000_6-967003_my_back door_ünï_200-200-400-400_24_769.mp4");
        assert_eq!(name.instance_name, "my_back door_ünï");
        assert_eq!((name.changes, name.token), (24, 769));
    }

    #[test]
    fn a_continuous_recording_of_a_current_agent() {
        let name = parse("1733992176_3-417_garage_0-0-0-0_-1_30033.mp4");
        assert_eq!((name.n, name.microseconds, name.changes, name.token), (3, 417, -1, 30_033));
    }

    #[test]
    fn one_left_without_its_duration() {
        let name = parse("1733992176_1-7_garage_0-0-0-0_0_0_.mp4");
        assert_eq!((name.region.as_str(), name.changes, name.token), ("0-0-0-0", 0, 0));
    }

    #[test]
    fn a_camera_without_name() {
        assert_eq!(parse("1700000000_6-967003__200-200-400-400_24_769.mp4").instance_name, "");
    }

    #[test]
    fn the_extension_may_be_written_in_any_way_or_be_missing() {
        let usual = parse("1700000000_6-967003_a.mp4 50%_b c_200-200-400-400_24_769.mp4");
        assert_eq!(usual.instance_name, "a.mp4 50%_b c");
        for extension in [".MP4", ".Mp4", "", "_.mp4", "_"] {
            let name = format!("1700000000_6-967003_a.mp4 50%_b c_200-200-400-400_24_769{extension}");
            assert_eq!(parse(&name), usual, "{name}");
        }
    }

    #[test]
    fn seconds_are_told_from_milliseconds() {
        let start = |name: &str| (parse(name).start_ms(), parse(name).start_s());
        for (name, ms) in [
            ("1606164482_6-818812_cam_0-0-0-0_0_0.mp4", 1_606_164_482_818),
            ("1606164482_3-417_cam_0-0-0-0_0_0.mp4", 1_606_164_482_417),
            ("1606164482_1-7_cam_0-0-0-0_0_0.mp4", 1_606_164_482_007),
            ("1606164482818_6-967003_cam_0-0-0-0_0_0.mp4", 1_606_164_482_818),
        ] {
            assert_eq!(start(name), (ms, 1_606_164_482), "{name}");
        }
        assert_eq!(unix_ms(99_999_999_999), Some(99_999_999_999_000), "the year 5138");
        assert_eq!(unix_ms(100_000_000_000), Some(100_000_000_000), "1973");
        assert_eq!(unix_ms(LATEST_MS + 1), None);
    }

    #[test]
    fn names_that_do_not_fit() {
        for name in [
            "",
            ".mp4",
            "video.mp4",
            "______.mp4",
            "1700000000_6-967003_cam_200-200-400-400_24_769.avi",
            "1700000000_6-967003_200-200-400-400_24_769.mp4",
            "1700000000_6-967003_cam_200-200-400_24_769.mp4",
            "1700000000_6-967003_cam_200-200-400-_24_769.mp4",
            "1700000000_6-967003_cam_200-200-400-400_-2_769.mp4",
            "1700000000_6-967003_cam_200-200-400-400_24_.mp4",
            "1700000000_6-967003_cam_200-200-400-400_24_+1.mp4",
            "1700000000_6-1000000_cam_200-200-400-400_24_769.mp4",
            "-1700000000_6-967003_cam_200-200-400-400_24_769.mp4",
            "253402300800000_6-967003_cam_200-200-400-400_24_769.mp4",
            "99999999999999999999_6-967003_cam_200-200-400-400_24_769.mp4",
            "dir/1700000000_6-967003_cam_200-200-400-400_24_769.mp4",
        ] {
            assert_eq!(AgentFileName::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            timestamp in 0..=LATEST_MS,
            extension in prop::sample::select(vec![".mp4", ".MP4", "", "_.mp4"]),
            n in any::<u8>(),
            microseconds in 0..1_000_000_u32,
            instance_name in "[\\PC_]{0,20}",
            region in any::<[u32; 4]>(),
            changes in -1..=i32::MAX,
            token in any::<u64>(),
        ) {
            let [x1, y1, x2, y2] = region;
            let region = format!("{x1}-{y1}-{x2}-{y2}");
            let name = AgentFileName { timestamp, n, microseconds, instance_name, region, changes, token };
            let written = write(&name);
            let written = written.strip_suffix(".mp4").unwrap_or_default().to_owned() + extension;
            prop_assert!(name.start_ms() <= LATEST_MS);
            prop_assert_eq!(AgentFileName::parse(&written), Some(name));
        }

        #[test]
        fn nothing_panics(name in "\\PC{0,60}") {
            let _ = AgentFileName::parse(&name);
        }

        #[test]
        fn nothing_nearly_right_panics(name in "[0-9_\\-é+]{0,60}(\\.mp4)?") {
            let _ = AgentFileName::parse(&name);
        }
    }
}
