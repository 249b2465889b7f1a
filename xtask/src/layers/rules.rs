//! The rules, and their evaluation without any I/O.

/// One of our crates and its dependencies.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Behind a feature; in `app`, that is `ssr`.
    pub(super) optional: bool,
    pub(super) for_tests: bool,
}

/// Our crates, and which of each other they may import. In brackets: only as an optional dependency.
const OWN: [(&str, &[&str]); 7] = [
    ("model", &[]),
    ("migrations", &[]),
    ("vault", &["model", "migrations"]),
    ("backends", &["model"]),
    ("app", &["model", "[vault]"]),
    ("frontend", &["app"]),
    ("server", &["model", "vault", "backends", "app", "migrations"]),
];

/// Tools for developers: they may import anything, nobody may import them.
const TOOLS: [&str; 5] = ["xtask", "dev-features", "bench", "torture", "fuzz"];

/// Everything `model` may import: it is compiled into every other crate, and into the browser.
const MODEL: [&str; 7] = ["async-trait", "bytes", "futures-core", "serde", "serde_json", "thiserror", "zeroize"];

/// A third-party package (or, ending in `*`, a family), who may import it, and why nobody else.
struct Reserved {
    packages: &'static [&'static str],
    for_crates: &'static [&'static str],
    because: &'static str,
}

const RESERVED: [Reserved; 7] = [
    Reserved {
        packages: &["aws-*", "azure*", "google-cloud*", "object_store", "rdkafka", "lapin", "reqwest"],
        for_crates: &["backends"],
        because: "the world outside is reached through the ports in `model`, which `backends` implements",
    },
    Reserved {
        packages: &["opentelemetry*", "tracing-opentelemetry", "prost"],
        for_crates: &["server"],
        because: "others make spans of `tracing`, and `telemetry` exports them (ADR 0030)",
    },
    Reserved {
        packages: &["sea-orm*", "sqlx*"],
        for_crates: &["vault", "migrations"],
        because: "tables belong to `vault`'s use cases",
    },
    Reserved {
        packages: &["leptos*", "server_fn*"],
        for_crates: &["app", "frontend", "server"],
        because: "only the UI knows Leptos",
    },
    Reserved {
        packages: &["wasm-bindgen*", "web-sys", "js-sys", "console_error_panic_hook", "gloo*"],
        for_crates: &["app", "frontend"],
        because: "only the UI runs in a browser",
    },
    Reserved {
        packages: &["axum*", "hyper*", "tower-http", "utoipa*"],
        for_crates: &["server", "[app]"],
        because: "use cases do not know HTTP; `app` may only under `ssr`, as an optional dependency",
    },
    Reserved {
        packages: &["tokio*"],
        for_crates: &["vault", "backends", "server", "[app]"],
        because: "`model` and the browser have no runtime",
    },
];

/// Must never reach the browser: large, or not meant for it. `regex` and `url` are missing because Leptos itself
/// depends on them; the linker drops what is not called.
const NOT_IN_THE_BROWSER: [&str; 25] = [
    "argon2",
    "aws-*",
    "axum*",
    "azure*",
    "backends",
    "chrono",
    "google-cloud*",
    "hyper*",
    "lapin",
    "leptos_axum",
    "migrations",
    "object_store",
    "rdkafka",
    "reqwest",
    "rustls*",
    "sea-orm*",
    "sqlx*",
    "tokio*",
    "tower-http",
    "tracing-subscriber",
    "utoipa*",
    "uuid",
    "vault",
    "xtask",
    "zxcvbn",
];

/// Features for tests only.
const NOT_IN_A_RELEASE: [&str; 1] = ["failpoints"];

/// Complaints about manifests, one sentence each.
pub(super) fn check_imports(crates: &[Crate]) -> Vec<String> {
    let mut complaints = Vec::new();
    for importer in crates.iter().filter(|importer| !is_tool(&importer.name)) {
        let name = importer.name.as_str();
        let Some((_, may_import)) = OWN.iter().find(|(own, _)| *own == name) else {
            complaints.push(format!("`{name}` is new: say in xtask/src/layers/rules.rs what it may import"));
            continue;
        };
        for dependency in importer.dependencies.iter().filter(|dependency| !dependency.for_tests) {
            complaints.extend(complain(name, may_import, dependency, crates));
        }
    }
    complaints
}

fn complain(importer: &str, may_import: &[&str], dependency: &Dependency, crates: &[Crate]) -> Option<String> {
    let imported = dependency.name.as_str();
    if crates.iter().any(|own| own.name == imported) {
        let allowed = permits(may_import, imported, dependency.optional);
        return (!allowed).then(|| match may_import {
            [] => format!("`{importer}` must not import `{imported}`: it may import none of our crates"),
            _ => format!("`{importer}` must not import `{imported}`, only {}", list(may_import)),
        });
    }
    if importer == "model" && !matches(&MODEL, imported) {
        return Some(format!(
            "`model` must not name `{imported}`: it is compiled everywhere, so it may name only {}",
            list(&MODEL)
        ));
    }
    let reserved = RESERVED.iter().find(|reserved| matches(reserved.packages, imported))?;
    let allowed = permits(reserved.for_crates, importer, dependency.optional);
    (!allowed).then(|| {
        format!("`{importer}` must not name `{imported}`, only {} may: {}", list(reserved.for_crates), reserved.because)
    })
}

/// Complaints about what is compiled into the browser's half.
pub(super) fn check_browser(packages: &[String]) -> Vec<String> {
    packages
        .iter()
        .filter(|package| matches(&NOT_IN_THE_BROWSER, package))
        .map(|package| {
            format!(
                "`{package}` would be sent to the browser. \
                 `cargo tree -p frontend --target wasm32-unknown-unknown -i {package}` shows who brings it"
            )
        })
        .collect()
}

/// Complaints about features of the binary, given as lines of `package|feature,feature`.
pub(super) fn check_release(packages: &[String]) -> Vec<String> {
    let on = |package: &str, feature: &str| {
        package
            .split_once('|')
            .is_some_and(|(_, features)| features.trim_end_matches(" (*)").split(',').any(|on| on == feature))
    };
    NOT_IN_A_RELEASE
        .iter()
        .filter(|feature| packages.iter().any(|package| on(package, feature)))
        .map(|feature| format!("the binary would be released with the feature `{feature}`, which only tests may have"))
        .collect()
}

fn is_tool(name: &str) -> bool {
    TOOLS.contains(&name)
}

/// Whether a list has `name`, or `[name]` if the dependency is optional.
fn permits(list: &[&str], name: &str, optional: bool) -> bool {
    list.iter().any(|entry| match entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(only_optional) => optional && only_optional == name,
        None => *entry == name,
    })
}

fn matches(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *pattern == name,
    })
}

fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(name) => format!("`{name}` (optional)"),
            None => format!("`{name}`"),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, dependencies: &[&str]) -> Crate {
        let dependencies = dependencies
            .iter()
            .map(|written| Dependency {
                name: written.trim_end_matches(['?', '!']).to_owned(),
                optional: written.ends_with('?'),
                for_tests: written.ends_with('!'),
            })
            .collect();
        Crate { name: name.to_owned(), dependencies }
    }

    fn complaints(importer: &str, dependencies: &[&str]) -> Vec<String> {
        let mut crates = vec![own(importer, dependencies)];
        let others = OWN.iter().map(|(name, _)| *name).chain(TOOLS).filter(|name| *name != importer);
        crates.extend(others.map(|name| own(name, &[])));
        check_imports(&crates)
    }

    #[test]
    fn what_the_table_allows_passes() {
        assert_eq!(complaints("model", &["serde", "bytes", "proptest!"]), [""; 0]);
        assert_eq!(complaints("vault", &["model", "migrations", "sea-orm", "tokio", "argon2"]), [""; 0]);
        assert_eq!(complaints("backends", &["model", "aws-sdk-s3", "reqwest", "tokio", "axum!"]), [""; 0]);
        assert_eq!(complaints("app", &["model", "vault?", "leptos", "leptos_axum?", "axum?"]), [""; 0]);
        assert_eq!(complaints("frontend", &["app", "leptos", "wasm-bindgen"]), [""; 0]);
        assert_eq!(complaints("server", &["model", "vault", "backends", "app", "axum", "tower-http"]), [""; 0]);
        assert_eq!(complaints("xtask", &["serde_json", "tokio", "model"]), [""; 0]);
    }

    #[test]
    fn every_crossing_is_named_with_its_reason() {
        for (importer, dependency, expected) in [
            ("model", "tokio", "compiled everywhere"),
            ("model", "vault", "none of our crates"),
            ("vault", "backends", "only `model`, `migrations`"),
            ("vault", "reqwest", "through the ports"),
            ("vault", "axum", "do not know HTTP"),
            ("vault", "opentelemetry", "make spans of `tracing`"),
            ("backends", "sea-orm", "`vault`'s use cases"),
            ("backends", "vault", "only `model`"),
            ("app", "vault", "`vault` (optional)"),
            ("app", "axum", "only under `ssr`"),
            ("app", "backends?", "must not import `backends`"),
            ("frontend", "model", "only `app`"),
            ("server", "aws-sdk-s3", "through the ports"),
            ("server", "frontend", "must not import `frontend`"),
            ("server", "xtask", "must not import `xtask`"),
            ("migrations", "leptos", "only the UI"),
        ] {
            let found = complaints(importer, &[dependency]);
            assert_eq!(found.len(), 1, "{importer} → {dependency}: {found:?}");
            assert!(found[0].contains(expected), "{} lacks {expected:?}", found[0]);
        }
    }

    #[test]
    fn an_unknown_crate_must_be_given_its_place() {
        let found = complaints("newcomer", &["tokio"]);
        assert!(found[0].contains("`newcomer` is new"), "{found:?}");
    }

    #[test]
    fn what_only_tests_may_have_is_found_in_a_release() {
        let lines = |features: &str| ["server v1|default".to_owned(), format!("vault v1 (/x)|{features} (*)")];
        assert_eq!(check_release(&lines("default,failpoints-no")), [""; 0]);
        assert!(check_release(&lines("default,failpoints"))[0].contains("`failpoints`"));
    }

    #[test]
    fn server_code_in_the_browser_is_found() {
        let packages = ["app", "leptos", "tokio-util", "serde"].map(str::to_owned);
        let found = check_browser(&packages);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("`tokio-util`"), "{found:?}");
    }
}
