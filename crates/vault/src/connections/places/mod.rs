//! Places: whether two providers are one, and whether a provider still is the place it was.

mod mark;
mod twins;

pub(crate) use mark::Mark;
pub(crate) use twins::Twins;
