//! Figures, times and URLs as text, without locale or clock: the same on server and browser.

pub mod figures;
pub mod query;
pub mod time;
