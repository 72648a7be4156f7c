#![no_main]

#[allow(dead_code, reason = "one of nine targets is used")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::fuzz_json_limits(bytes);
});
