//! Places: whether two providers are the same one, and whether a provider is still the one it was.

mod mark;
mod shared;

pub(crate) use mark::Mark;
pub(crate) use shared::SharedPlaces;
