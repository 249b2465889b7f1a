//! See `fuzz::bulk`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::bulk(bytes));
