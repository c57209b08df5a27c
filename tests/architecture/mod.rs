//! The layers, read from the sources: who may name what, and who may do what.
