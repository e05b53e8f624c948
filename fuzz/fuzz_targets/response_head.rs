//! The property `response_head`, see `tests/properties/response_head.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("response_head", input);
});
