//! The floors of `vault`, i.e. its top folders. Each may name those below it, never those above.

use super::sources::Sources;

/// From the bottom up. ARCHITECTURE.md says what each is for.
const FLOORS: [&str; 9] =
    ["base", "host", "access", "connections", "objects", "recordings", "outbox", "flows", "admin"];
/// These put the floors together; no floor may name them.
const ROOF: [&str; 3] = ["options", "provisioning", "start"];

/// Complaints about files that name a higher floor, one sentence each.
pub(super) fn check(sources: &Sources) -> Vec<String> {
    let mut complaints = Vec::new();
    for (module, names) in &sources.names {
        let Some(own) = module.first() else { continue };
        if ROOF.contains(&own.as_str()) {
            continue;
        }
        let Some(height) = height(own) else {
            complaints.push(format!("`{own}` is no floor of `vault`: say in xtask/src/layers/floors.rs where it lies"));
            continue;
        };
        let above = names.iter().filter(|target| target.first().is_some_and(|floor| !lies_below(floor, height)));
        complaints.extend(above.map(|target| {
            format!("vault: `{}` must not name `{}`, which lies above it", module.join("::"), target.join("::"))
        }));
    }
    complaints
}

fn height(floor: &str) -> Option<usize> {
    FLOORS.iter().position(|known| *known == floor)
}

fn lies_below(floor: &str, own: usize) -> bool {
    height(floor).is_some_and(|height| height <= own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn complaints(module: &str, names: &str) -> Vec<String> {
        let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
        check(&Sources { names: BTreeMap::from([(path(module), BTreeSet::from([path(names)]))]) })
    }

    #[test]
    fn downward_and_sideways_is_allowed_and_upward_is_not() {
        for (module, names) in [("flows::ingest", "base::db"), ("base::db", "base::clock"), ("start", "admin")] {
            assert_eq!(complaints(module, names), [""; 0], "{module} {names}");
        }
        for (module, names) in [("base::db", "host::backup"), ("recordings", "flows::ingest"), ("admin", "start")] {
            assert_eq!(complaints(module, names).len(), 1, "{module} {names}");
        }
    }

    #[test]
    fn a_new_folder_must_be_given_its_floor() {
        assert!(complaints("attic", "base")[0].contains("`attic` is no floor"));
    }
}
