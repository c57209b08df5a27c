//! The hatd binary.
