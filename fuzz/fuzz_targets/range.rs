//! See `fuzz::range`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::range(bytes));
