//! The use cases.

pub mod people;
