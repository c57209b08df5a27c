//! The hatctl binary.
