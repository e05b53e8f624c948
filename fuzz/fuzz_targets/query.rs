//! The property `query`, see `tests/properties/query.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("query", input);
});
