//! The vaults that a forwarded recording came through, by which rings of vaults are noticed.

/// Most vaults in a path; longer than any real chain.
const MAX_VAULTS: usize = 16;
/// Longest id of a vault, in bytes.
const MAX_ID: usize = 64;

/// Ids of vaults, oldest first; empty for a recording from a camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultPath(Vec<String>);

impl VaultPath {
    /// Parses ids separated by commas; `None` if it is no such list.
    pub fn parse(text: &str) -> Option<Self> {
        let ids: Vec<String> = text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        let valid = |id: &String| id.len() <= MAX_ID && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (ids.len() <= MAX_VAULTS && ids.iter().all(valid)).then_some(Self(ids))
    }

    /// Whether this vault is in it.
    pub fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|known| known == id)
    }

    /// The ids, oldest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl std::fmt::Display for VaultPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let path = VaultPath::parse(" a1, b2 ,").expect("valid");
        assert_eq!((path.to_string().as_str(), path.contains("b2"), path.contains("b")), ("a1,b2", true, false));
        assert_eq!(VaultPath::parse(""), Some(VaultPath::default()));
        assert_eq!(VaultPath::parse("a b"), None);
        assert_eq!(VaultPath::parse(&"x,".repeat(17)), None);
        assert_eq!(VaultPath::parse(&"x".repeat(65)), None);
    }
}
