//! Holds the generated code that is checked in to the protobuf contract.
//!
//! `HATD_REGENERATE=1 cargo test -p hatd-client --test generated` writes it anew.

use std::{env, fs, path::Path};

const PROTOS: [&str; 6] = [
    "hatd/v1/types.proto",
    "hatd/v1/admin_service.proto",
    "hatd/v1/errors.proto",
    "hatd/v1/hat_service.proto",
    "hatd/v1/room_service.proto",
    "hatd/v1/wardrobe_service.proto",
];

#[test]
fn the_generated_code_is_what_the_contract_generates() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked_in = crate_dir.join("src/generated/hatd.v1.rs");

    let mut compiler = protox::Compiler::new([crate_dir.join("../../proto")]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS).unwrap();
    let out = tempfile::tempdir().unwrap();
    // Maps are ordered, so that equal messages are equal bytes: a retry is the same request.
    tonic_prost_build::configure()
        .build_server(false)
        .btree_map(".")
        .out_dir(out.path())
        .compile_fds(compiler.file_descriptor_set())
        .unwrap();
    let generated = fs::read_to_string(out.path().join("hatd.v1.rs")).unwrap();

    if env::var_os("HATD_REGENERATE").is_some_and(|value| value == "1") {
        fs::write(&checked_in, &generated).unwrap();
    }
    assert!(
        fs::read_to_string(&checked_in).unwrap_or_default() == generated,
        "src/generated/hatd.v1.rs is not what proto/ generates; write it anew with \
         HATD_REGENERATE=1 cargo test -p hatd-client --test generated"
    );
}
