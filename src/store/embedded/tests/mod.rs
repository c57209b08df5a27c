//! Decoders of what is on the disk, of any bytes.

mod fuzz;
