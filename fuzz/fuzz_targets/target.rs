//! The property `target`, see `tests/properties/target.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("target", input);
});
