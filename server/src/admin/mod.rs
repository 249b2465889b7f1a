//! What administrators' browsers read with their session, besides pages and server functions.

pub mod media;
