//! Compiles `proto/` without protoc, and keeps the descriptors for reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const PROTOS: [&str; 6] = [
    "hatd/v1/types.proto",
    "hatd/v1/admin_service.proto",
    "hatd/v1/errors.proto",
    "hatd/v1/hat_service.proto",
    "hatd/v1/room_service.proto",
    "hatd/v1/wardrobe_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;
    let descriptors = compiler.file_descriptor_set();

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Maps are ordered, so that equal messages are equal bytes.
    tonic_prost_build::configure().build_client(false).btree_map(".").compile_fds(descriptors)?;
    Ok(())
}
