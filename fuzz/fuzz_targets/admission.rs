//! The property `admission`, see `tests/properties/admission.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    dockgate_fuzz::properties::check("admission", input);
});
