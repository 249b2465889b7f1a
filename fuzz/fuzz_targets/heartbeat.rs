//! See `fuzz::heartbeat`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::heartbeat(bytes));
