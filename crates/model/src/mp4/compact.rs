//! How fragments are stored: one list of numbers, three for each, since a day of one camera has tens of thousands.

use super::Fragment;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;

/// For each: how far behind the one before it begins (mostly 0), its bytes, its microseconds.
pub(super) fn serialize<S: Serializer>(fragments: &[Fragment], serializer: S) -> Result<S::Ok, S::Error> {
    let mut end = 0_u64;
    serializer.collect_seq(fragments.iter().flat_map(|one| {
        let gap = one.offset.wrapping_sub(end);
        end = one.offset.wrapping_add(one.length);
        [gap, one.length, one.duration_us]
    }))
}

/// Also reads what was stored before: a list of objects.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Fragment>, D::Error> {
    deserializer.deserialize_seq(Fragments)
}

struct Fragments;

#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Number(u64),
    Object(Fragment),
}

impl<'de> Visitor<'de> for Fragments {
    type Value = Vec<Fragment>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("three numbers for each fragment")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Fragment>, A::Error> {
        let (mut fragments, mut end) = (Vec::new(), 0_u64);
        while let Some(stored) = sequence.next_element()? {
            let fragment = match stored {
                Stored::Object(fragment) => fragment,
                Stored::Number(gap) => {
                    let mut number = || sequence.next_element()?.ok_or_else(|| A::Error::custom("a number is missing"));
                    Fragment { offset: end.wrapping_add(gap), length: number()?, duration_us: number()? }
                }
            };
            end = fragment.offset.wrapping_add(fragment.length);
            fragments.push(fragment);
        }
        Ok(fragments)
    }
}

#[cfg(test)]
mod tests {
    use crate::mp4::{Fragment, Mp4Facts};
    use proptest::prelude::*;

    fn of(fragments: Vec<Fragment>) -> Mp4Facts {
        Mp4Facts { fragmented: true, fragments, ..Mp4Facts::default() }
    }

    #[test]
    fn three_numbers_for_each() {
        let fragments = vec![
            Fragment { offset: 680, length: 5_014_474, duration_us: 19_967_000 },
            Fragment { offset: 5_015_154, length: 7, duration_us: 40_000 },
        ];
        let text = serde_json::to_string(&of(fragments.clone())).expect("serialises");
        assert!(text.contains("\"fragments\":[680,5014474,19967000,0,7,40000]"), "{text}");
        let before = r#"{"fragmented":true,"fragments":[{"offset":680,"length":5014474,"duration_us":19967000},
            {"offset":5015154,"length":7,"duration_us":40000}]}"#;
        assert_eq!(serde_json::from_str::<Mp4Facts>(before).expect("as it was stored before"), of(fragments));
        for bad in [r#"{"fragments":[680,1]}"#, r#"{"fragments":[680,"1",2]}"#, r#"{"fragments":[-1,1,2]}"#] {
            assert!(serde_json::from_str::<Mp4Facts>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(fragments in prop::collection::vec(any::<(u64, u64, u64)>(), 0..20)) {
            let fragment = |(offset, length, duration_us)| Fragment { offset, length, duration_us };
            let facts = of(fragments.into_iter().map(fragment).collect());
            let text = serde_json::to_string(&facts).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<Mp4Facts>(&text).expect("what was stored"), facts);
        }
    }
}
