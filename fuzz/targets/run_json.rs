//! See `tests/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| orderhub_fuzz::run("run_json", input));
