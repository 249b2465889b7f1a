use super::*;
use model::account;
use model::connection::Family;

const EXAMPLE: &str = r#"
[server]
listen = "127.0.0.1:9000"
public_url = "https://vault.example/"

[limits]
max_upload_bytes = "1 GiB"
idle_timeout_s = 5

[[provider]]
name = "local"
kind = "filesystem"
path = "/srv/recordings"

[[integration]]
name = "events"
kind = "webhook"
url = "http://127.0.0.1:9/hook"

[[account]]
name = "site-a"
provider = "local"
integrations = ["events"]
directory = "*"
access_key = "A"
secret_key = "S"
day_limit = 30
"#;

fn read(text: &str) -> Result<Config, String> {
    Config::read("vault.toml", text, std::iter::empty()).map_err(|e| e.to_string())
}

fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter()
}

#[test]
fn reads_the_example() {
    let config = read(EXAMPLE).expect("valid");
    assert_eq!(config.server.listen[0].port(), 9000);
    assert_eq!(config.server.public_url.map(|url| url.to_string()).as_deref(), Some("https://vault.example"));
    assert_eq!(config.limits.max_upload_bytes, 1 << 30);
    assert_eq!(config.limits.idle_timeout, Duration::from_secs(5));
    assert_eq!(config.declarations.connections[0].settings.get("path"), "/srv/recordings");
    let account = &config.declarations.accounts[0];
    assert_eq!((account.day_limit, account.integrations.as_slice()), (30, ["events".to_owned()].as_slice()));
    assert!(account.enabled);
}

#[test]
fn nothing_is_needed() {
    let config = read("").expect("defaults");
    assert_eq!(config.server.listen, ["127.0.0.1:8080".parse().expect("is one")]);
    assert_eq!(config.database_url.expose(), "sqlite://./data/vault.db");
    assert!(config.declarations.is_empty());
}

#[test]
fn idle_connections_are_kept_longer_than_load_balancers_keep_them() {
    assert_eq!(read("").expect("defaults").server.keep_alive, Duration::from_secs(75));
    assert_eq!(read("server.keep_alive_s = 130").expect("valid").server.keep_alive, Duration::from_secs(130));
}

#[test]
fn a_signed_url_is_valid_for_a_day_and_at_most_a_week() {
    let limits = |text: &str| {
        let limits = read(text).expect("valid").limits;
        (limits.signed_url_ttl.as_secs(), limits.signed_url_max_ttl.as_secs())
    };
    assert_eq!(limits(""), (86_400, 604_800));
    assert_eq!(limits("limits = { signed_url_ttl_s = 60, signed_url_max_ttl_s = 3600 }"), (60, 3600));
    for key in ["signed_url_ttl_s", "signed_url_max_ttl_s"] {
        assert!(read(&format!("limits.{key} = 604801")).expect_err("no store signs for longer").contains(key));
    }
}

#[test]
fn an_upload_may_be_as_slow_as_one_says() {
    assert_eq!(read("").expect("defaults").limits.min_upload_rate, 1000);
    assert_eq!(read("limits.min_upload_rate = 0").expect("valid").limits.min_upload_rate, 0);
    assert!(read("limits.min_upload_rate = -1").expect_err("less than nothing").contains("a number of bytes"));
}

#[test]
fn other_sites_are_a_list_or_a_text_with_commas() {
    let read = |file: &str| Config::read("vault.toml", file, std::iter::empty());
    let sites = |config: Config| {
        config.server.cors_origins.iter().map(|site| site.to_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert!(sites(read("").expect("valid")).is_empty());
    let two = ["https://hub.example", "http://192.0.2.7:8080"];
    let file = "server.cors_origins = [\"https://hub.example\", \"http://192.0.2.7:8080\"]";
    assert_eq!(sites(read(file).expect("valid")), two);
    let variable = [("VAULT_SERVER__CORS_ORIGINS".to_owned(), two.join(", "))];
    assert_eq!(sites(Config::read("vault.toml", "", variable.into_iter()).expect("valid")), two);
    let refused = read("server.cors_origins = [\"hub.example\"]").expect_err("no origin").to_string();
    assert!(refused.contains("server.cors_origins must be a list of origins"), "{refused}");
}

#[test]
fn hosts_are_a_list_in_the_file_and_have_commas_in_a_variable() {
    let hosts = |config: Config| config.server.allowed_hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(hosts(read("").expect("defaults")).is_empty());
    let both = ["vault.lan", "192.0.2.7:8080"];
    let file = "server.allowed_hosts = [\"vault.lan\", \"192.0.2.7:8080\"]";
    assert_eq!(hosts(read(file).expect("valid")), both);
    let variable = variables(&[("VAULT_SERVER__ALLOWED_HOSTS", "vault.lan, 192.0.2.7:8080")]);
    assert_eq!(hosts(Config::read("vault.toml", "", variable).expect("valid")), both);
    for wrong in ["[\"https://vault.lan\"]", "[\"a b\"]", "[\"me@vault.lan\"]", "{}", "[[\"vault.lan\"]]"] {
        let refused = read(&format!("server.allowed_hosts = {wrong}")).expect_err(wrong);
        assert!(refused.contains("server.allowed_hosts must be a list of hosts"), "{refused}");
    }
}

#[test]
fn a_typo_is_named_with_line_and_key() {
    let text = EXAMPLE.replace("path = ", "pth = ");
    assert_eq!(
        read(&text).expect_err("typo"),
        "vault.toml line 13: provider \"local\": unknown setting 'pth'; did you mean 'path'? known are: path"
    );
    let text = EXAMPLE.replace("idle_timeout_s", "idle_timeout");
    assert_eq!(
        read(&text).expect_err("typo"),
        "vault.toml line 8: [limits]: unknown setting 'idle_timeout'; did you mean 'idle_timeout_s'? \
         known are: max_upload_bytes, receive_budget_bytes, idle_timeout_s, min_upload_rate, signed_url_ttl_s, \
         signed_url_max_ttl_s"
    );
    let text = EXAMPLE.replace("[limits]", "[limit]");
    assert!(
        read(&text)
            .expect_err("typo")
            .starts_with("vault.toml line 6: unknown section 'limit'; did you mean 'limits'?")
    );
}

#[test]
fn every_mistake_is_reported_at_its_line() {
    for (from, to, line, part) in [
        ("\"127.0.0.1:9000\"", "9000", 3, "server.listen must be an address and a port"),
        ("\"https://vault.example/\"", "\"vault.example\"", 4, "server.public_url must be http://"),
        ("\"1 GiB\"", "[1]", 7, "limits.max_upload_bytes must be a size"),
        ("kind = \"webhook\"", "kind = \"webhok\"", 17, "unknown kind 'webhok'; did you mean 'webhook'?"),
        ("path = \"/srv/recordings\"\n", "", 10, "provider \"local\": Folder is required"),
        ("url = \"http://127", "url = \"ftp://127", 18, "integration \"events\": URL must start with http"),
        ("provider = \"local\"", "provider = \"locl\"", 22, "no provider 'locl' is declared; did you mean 'local'?"),
        ("[\"events\"]", "\"events\"", 23, "'integrations' must be a list of names"),
        ("[\"events\"]", "[\"other\"]", 23, "no integration 'other' is declared"),
        ("day_limit = 30", "day_limit = -1", 27, "account \"site-a\": Day limit must be a number of days from 0"),
        ("day_limit = 30", "day_limit = 36501", 27, "account \"site-a\": Day limit must be a number of days from 0"),
        ("day_limit = 30", "day_limit = [30]", 27, "account \"site-a\": 'day_limit' must be a single value"),
        ("directory = \"*\"", "directory = \"../x\"", 24, "account \"site-a\": Directory must not hold"),
        ("access_key = \"A\"", "access_key = \"A B\"", 25, "account \"site-a\": Access key must be printable ASCII"),
        ("secret_key = \"S\"", "secret_key = \"é\"", 26, "account \"site-a\": Secret key must be printable ASCII"),
        ("name = \"site-a\"", "name = \" site-a\"", 21, "account \" site-a\": Name must not start or end with a space"),
        ("name = \"local\"", "name = \"lo\\u0007cal\"", 11, "provider \"lo\\u{7}cal\": Name must not start or end"),
        ("name = \"events\"", "name = \"events \"", 16, "integration \"events \": Name must not start or end"),
        (
            "[\"events\"]",
            "[\"events\"]\nsecondary_providers = [\"local\"]",
            24,
            "account \"site-a\": The main provider cannot be a secondary one",
        ),
        (
            "[\"events\"]",
            "[\"events\", \"events\"]",
            23,
            "account \"site-a\": Integrations must not name 'events' twice",
        ),
        ("secret_key = \"S\"\n", "", 20, "account \"site-a\": 'secret_key' is required"),
        ("day_limit = 30", "day_limit = 30\nday_limit = 31", 28, "duplicate key"),
        ("[[account]]", "[account]", 20, "write [[account]]"),
    ] {
        let error = read(&EXAMPLE.replace(from, to)).expect_err(part);
        let first = error.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("vault.toml line {line}: ")) && first.contains(part), "{part}: {error}");
    }
}

#[test]
fn all_mistakes_at_once_and_no_secret_among_them() {
    let error = read("[server]\nlisten = \"x\"\n[admin]\npassword = [\"hunter2\"]\n").expect_err("two mistakes");
    assert_eq!(error.lines().count(), 2);
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn one_mistake_is_reported_once() {
    for (from, to) in [
        ("provider = \"local\"", "provider = [\"local\"]"),
        ("directory = \"*\"\n", ""),
        ("directory = \"*\"", "directory = \"\""),
        ("secret_key = \"S\"", "secret_key = { a = 1 }"),
        ("day_limit = 30", "day_limit = \"a month\""),
    ] {
        let error = read(&EXAMPLE.replace(from, to)).expect_err(to);
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn keys_that_are_refused_are_not_shown() {
    let text = EXAMPLE.replace("\"A\"", "\"hunter two\"").replace("\"S\"", "\"hunter three\"");
    let error = read(&text).expect_err("two mistakes");
    assert!(error.lines().count() == 2 && !error.contains("hunter"), "{error}");
}

#[test]
fn levels_are_checked() {
    for good in ["info", "WARN", "info,vault=debug", "off"] {
        assert_eq!(read(&format!("[log]\nlevel = \"{good}\"")).expect(good).log.level, good);
    }
    for bad in ["loud", "info,vault", "vault=loud", "info,"] {
        let error = read(&format!("[log]\nlevel = \"{bad}\"")).expect_err(bad);
        assert!(error.starts_with("vault.toml line 2: log.level must be error, warn"), "{error}");
    }
}

#[test]
fn the_environment_wins() {
    let env = [
        ("VAULT_SERVER__LISTEN", "127.0.0.1:1, [::1]:80"),
        ("KERBEROS_LOGIN_USERNAME", "operator"),
        ("KERBEROS_LOGIN_PASSWORD", "p"),
        ("VAULT_ADMIN__USERNAME", "admin"),
        ("VAULT_TEST_POSTGRES_URL", "not ours"),
        ("VAULT_LOG__FORMAT", ""),
    ];
    let config = Config::read("vault.toml", EXAMPLE, variables(&env)).expect("valid");
    assert_eq!(config.server.listen.iter().map(|address| address.port()).collect::<Vec<_>>(), [1, 80]);
    assert_eq!(config.admin.username.as_deref(), Some("admin"));
    assert_eq!(config.admin.password.expect("given").expose(), "p");
}

#[test]
fn an_unknown_variable_is_named() {
    let error =
        Config::read("vault.toml", "", variables(&[("VAULT_SERVER__LISTN", "x")])).expect_err("typo").to_string();
    assert!(
        error.starts_with(
            "environment variable VAULT_SERVER__LISTN: there is no such setting; did you mean 'VAULT_SERVER__LISTEN'?"
        ),
        "{error}"
    );
}

/// A row in the page's tables of kinds: required keys, and optional ones with their defaults.
fn documented<'a>(page: &'a str, kind: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let row = page.lines().find(|line| line.starts_with(&format!("| [`{kind}`]")));
    let row = row.unwrap_or_else(|| panic!("docs/configuration.md has no row for the kind {kind}"));
    let mut cells = row.split('|').skip(2).map(|cell| cell.split('`').skip(1).step_by(2).collect());
    (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
}

#[test]
fn the_documentation_has_every_key_of_every_kind() {
    let page = include_str!("../../../docs/configuration.md");
    for kind in [Family::Provider, Family::Integration].into_iter().flat_map(|family| family.kinds()) {
        let (required, optional) = documented(page, kind.name);
        let mut known = Vec::new();
        for field in kind.fields {
            known.push(field.name);
            if field.required {
                assert!(required.contains(&field.name), "{}: {} is required", kind.name, field.name);
                continue;
            }
            if required.contains(&field.name) {
                continue; // one of several that can stand for each other
            }
            let at = optional.iter().position(|key| *key == field.name);
            let at = at.unwrap_or_else(|| panic!("{}: {} is missing among the optional keys", kind.name, field.name));
            if !field.default.is_empty() {
                known.push(field.default);
                assert_eq!(optional.get(at + 1), Some(&field.default), "{}: default of {}", kind.name, field.name);
            }
        }
        for key in required.iter().chain(&optional) {
            assert!(known.contains(key), "{}: there is no key {key}", kind.name);
        }
    }
}

#[test]
fn the_documentation_has_every_key_of_an_account() {
    let page = include_str!("../../../docs/configuration.md");
    let (_, section) = page.split_once("### [[account]]").expect("it has a section");
    let (section, _) = section.split_once("\n## ").expect("another one follows");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut documented: Vec<&str> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2)).collect();
    let mut known = account::fields::FIELDS.map(|field| field.name);
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
}

#[test]
fn numbers_of_connections_may_be_written_as_numbers() {
    let vault = |concurrency: &str| {
        format!(
            "[[integration]]\nname = \"remote\"\nkind = \"vault\"\nvault_url = \"https://vault.example/api\"\n\
             access_key = \"A\"\nsecret_key = \"S\"\nconcurrency = {concurrency}\nbandwidth = 2_048\n"
        )
    };
    for good in ["12", "\"12\""] {
        let config = read(&vault(good)).expect(good);
        let settings = &config.declarations.connections[0].settings;
        assert_eq!((settings.get("concurrency"), settings.get("bandwidth")), ("12", "2048"), "{good}");
    }
    for bad in ["0", "65", "1.5", "-4", "\"many\"", "true"] {
        assert_eq!(
            read(&vault(bad)).expect_err(bad),
            "vault.toml line 7: integration \"remote\": Transfers at a time must be a whole number from 1 to 64"
        );
    }
}
