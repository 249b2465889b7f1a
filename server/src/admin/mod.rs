//! The administrators' side besides pages and server functions: what a browser reads with its
//! session.

pub mod media;
