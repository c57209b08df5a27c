//! Compiles the contract to descriptors, by which messages become JSON and JSON messages.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const PROTOS: [&str; 5] = [
    "hatd/v1/types.proto",
    "hatd/v1/errors.proto",
    "hatd/v1/hat_service.proto",
    "hatd/v1/room_service.proto",
    "hatd/v1/wardrobe_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let proto = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../../proto");
    println!("cargo::rerun-if-changed={}", proto.display());
    let descriptors = protox::compile(PROTOS, [proto])?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("contract.bin");
    Ok(fs::write(out, descriptors.encode_to_vec())?)
}
