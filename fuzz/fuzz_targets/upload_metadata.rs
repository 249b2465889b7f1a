//! See `fuzz::upload_metadata`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::upload_metadata(bytes));
