//! Files that name each other: none can be read or changed without the others.

use super::sources::{Module, Sources};
use std::collections::{BTreeMap, BTreeSet};

/// Complaints about a crate, one sentence per circle.
pub(super) fn check(name: &str, sources: &Sources) -> Vec<String> {
    let circle = |way: Vec<Module>| {
        let files: Vec<String> = way.iter().map(|module| format!("`{}`", module.join("::"))).collect();
        format!("{name}: {} name each other in a circle", files.join(" → "))
    };
    find(sources).into_iter().map(circle).collect()
}

/// A shortest circle for each set of files that name each other.
fn find(sources: &Sources) -> Vec<Vec<Module>> {
    let mut told: BTreeSet<&Module> = BTreeSet::new();
    let mut circles = Vec::new();
    for module in sources.names.keys() {
        if told.contains(module) {
            continue;
        }
        if let Some(circle) = back_to(module, &sources.names) {
            told.extend(circle.iter().filter_map(|on_it| sources.names.get_key_value(on_it)).map(|(key, _)| key));
            circles.push(circle);
        }
    }
    circles
}

/// The shortest way from a file back to itself.
fn back_to(start: &Module, names: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut came_from: BTreeMap<&Module, &Module> = BTreeMap::new();
    let mut next: Vec<&Module> = vec![start];
    while !next.is_empty() {
        let mut reached = Vec::new();
        for here in next {
            for there in names.get(here).into_iter().flatten() {
                if there == start {
                    let mut way = vec![here.clone()];
                    let mut step = here;
                    while let Some(before) = came_from.get(step).filter(|_| step != start) {
                        way.push((*before).clone());
                        step = before;
                    }
                    way.reverse();
                    return Some(way);
                }
                if !came_from.contains_key(there) {
                    came_from.insert(there, here);
                    reached.push(there);
                }
            }
        }
        next = reached;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(arrows: &[(&str, &str)]) -> Vec<String> {
        let mut names: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, to) in arrows {
            names.entry(vec![(*from).into()]).or_default().insert(vec![(*to).into()]);
            names.entry(vec![(*to).into()]).or_default();
        }
        check("a", &Sources { names })
    }

    #[test]
    fn each_circle_is_told_once_by_its_shortest_way() {
        assert_eq!(complaints(&[("a", "b"), ("b", "c"), ("a", "c")]), [""; 0]);
        let two = complaints(&[("a", "b"), ("b", "a"), ("b", "c"), ("x", "y"), ("y", "z"), ("z", "x")]);
        assert_eq!(two, ["a: `a` → `b` name each other in a circle", "a: `x` → `y` → `z` name each other in a circle"]);
    }
}
