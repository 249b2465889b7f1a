use super::super::Config;
use super::*;
use model::connection::ConnectionForm;

/// What the original's own documentation shows, with other names.
pub(super) const PROVIDERS: &str = r#"[{"name":"archive","provider":"minio","host":"minio.example:9000","region":"us-east-1","bucket":"recordings",
    "access_key":"store-key","secret":"hunter-store","use_ssl":"false"}]"#;
const INTEGRATIONS: &str = r#"[{"name":"events","queue":"rabbitmq","broker":"amqp://rabbitmq.example:5672","topic":"recordings",
    "username":"vault","password":"hunter-broker"}]"#;
const ACCOUNTS: &str = r#"[{"account":"fleet","directory":"fleet","provider":"archive","access_key":"fleet-key",
    "secret_access_key":"hunter-account","limit":"30","queues":["events"]}]"#;

pub(super) fn read_with(file: &str, pairs: &[(&str, &str)]) -> Result<Config, String> {
    let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read("vault.toml", file, variables).map_err(|error| error.to_string())
}

pub(super) fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
    read_with("", pairs)
}

pub(super) fn all() -> [(&'static str, &'static str); 3] {
    [("VAULT_STORAGE_PROVIDERS", PROVIDERS), ("VAULT_INTEGRATIONS", INTEGRATIONS), ("VAULT_ACCOUNTS", ACCOUNTS)]
}

/// The one connection that a variable declares.
pub(super) fn only(variable: &str, entry: &str, more: &[(&str, &str)]) -> ConnectionForm {
    let list = format!("[{entry}]");
    let pairs: Vec<_> = [(variable, list.as_str())].into_iter().chain(more.iter().copied()).collect();
    let mut found = read(&pairs).unwrap_or_else(|error| panic!("{entry}: {error}")).declarations.connections;
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn who_signs_links_is_said_by_the_provider_else_by_the_variable() {
    let with = |signing: &str| PROVIDERS.replace("}]", &format!(r#","signing":"{signing}"}}"#));
    for (signing, variable, expected) in [
        ("", None, "provider"),
        ("", Some("false"), "provider"),
        ("", Some("true"), "vault"),
        ("vault", Some("false"), "vault"),
        ("provider", Some("true"), "provider"),
    ] {
        let variable: Vec<_> = variable.map(|value| ("VAULT_SIGNING", value)).into_iter().collect();
        let form = only("VAULT_STORAGE_PROVIDERS", with(signing).trim_start_matches('['), &variable);
        assert_eq!(form.settings.get("signed_urls"), expected, "{signing} {variable:?}");
    }
    let role = r#"{"name":"x","provider":"aws","bucket":"recordings","region":"eu-west-1"}"#;
    assert_eq!(only("VAULT_STORAGE_PROVIDERS", role, &[]).settings.get("signed_urls"), "vault");
    let refused = read(&[("VAULT_SIGNING", "yes")]).expect_err("neither");
    assert_eq!(refused, "environment variable VAULT_SIGNING: must be true or false");
    // Of a provider in the file its own key says it.
    let file = "[[provider]]\nname = \"x\"\nkind = \"minio\"\nbucket = \"recordings\"\nhost = \"m\"\naccess_key = \"a\"\nsecret_key = \"s\"\n";
    let config = read_with(file, &[("VAULT_SIGNING", "false")]).expect("valid");
    assert_eq!(config.declarations.connections[0].settings.get("signed_urls"), "");
    assert!(
        config.warnings.len() == 1 && config.warnings[0].starts_with("VAULT_SIGNING concerns"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn a_name_is_declared_in_one_place() {
    let file = "[[provider]]\nname = \"archive\"\nkind = \"filesystem\"\npath = \"x\"\n";
    let error = read_with(file, &[("VAULT_STORAGE_PROVIDERS", PROVIDERS)]).expect_err("twice");
    assert_eq!(
        error,
        "environment variable VAULT_STORAGE_PROVIDERS: provider \"archive\": 'name': is declared twice; vault.toml and the \
         environment together may declare a name once"
    );
}

#[test]
fn file_and_environment_may_refer_to_each_other() {
    let file = "[[account]]\nname = \"site\"\nprovider = \"archive\"\nintegrations = [\"events\"]\ndirectory = \"site\"\n\
                access_key = \"a\"\nsecret_key = \"s\"\n[[integration]]\nname = \"events\"\nkind = \"webhook\"\nurl = \"http://a/b\"\n";
    let pairs = [("VAULT_STORAGE_PROVIDERS", PROVIDERS), ("VAULT_ACCOUNTS", ACCOUNTS)];
    let config = read_with(file, &pairs).expect("valid");
    assert_eq!((config.declarations.connections.len(), config.declarations.accounts.len()), (2, 2));
}

#[test]
fn settings_have_their_old_names_and_the_new_ones_win() {
    let old = [
        ("KERBEROS_LOGIN_USERNAME", "operator"),
        ("KERBEROS_LOGIN_PASSWORD", "p"),
        ("VAULT_PUBLIC_URL", "https://vault.example/"),
        ("DEFAULT_URI_EXPIRY_TIME", "86400"),
    ];
    let config = read(&old).expect("valid");
    assert_eq!(config.admin.username.as_deref(), Some("operator"));
    assert_eq!(config.server.public_url.map(|url| url.to_string()).as_deref(), Some("https://vault.example"));
    assert_eq!(config.limits.signed_url_ttl.as_secs(), 86_400);
    let new = [("VAULT_SERVER__PUBLIC_URL", "https://new.example"), ("VAULT_LIMITS__SIGNED_URL_TTL_S", "60")];
    let config = read(&[&old[..], &new].concat()).expect("valid");
    assert_eq!(config.server.public_url.map(|url| url.to_string()).as_deref(), Some("https://new.example"));
    assert_eq!(config.limits.signed_url_ttl.as_secs(), 60);
    for (name, value, expected) in [
        ("DEFAULT_URI_EXPIRY_TIME", "24h", "limits.signed_url_ttl_s must be a number of seconds from 1 to 604800"),
        ("VAULT_PUBLIC_URL", "vault.example", "server.public_url must be http://"),
    ] {
        let error = read(&[(name, value)]).expect_err(value);
        assert!(error.starts_with(&format!("environment variable {name}: {expected}")), "{error}");
    }
}

#[test]
fn what_cannot_be_honoured_stops_the_start_and_says_what_to_do() {
    for (name, value, instead) in [
        ("VAULT_URL_SIGNING_KEY", "hunter2", "VAULT_DATA__MASTER_KEY"),
        ("DEFAULT_RETENTION_DAYS", "30", "set the accounts' limit"),
    ] {
        let error = read(&[(name, value)]).expect_err(name);
        assert!(error.starts_with(&format!("environment variable {name}: cannot be honoured: ")), "{error}");
        assert!(error.contains(instead) && !error.contains("hunter"), "{error}");
    }
    for (name, meant) in [("VAULT_ACCOUNT", "VAULT_ACCOUNTS"), ("VAULT_STORAGE_PROVIDER", "VAULT_STORAGE_PROVIDERS")] {
        let error = read(&[(name, "[]")]).expect_err(name);
        assert!(
            error.starts_with(&format!(
                "environment variable {name}: there is no such variable; did you mean '{meant}'?"
            ))
        );
    }
}

/// Kubernetes makes such variables for a service named `vault`.
#[test]
fn what_others_put_into_the_environment_is_passed_over() {
    let theirs = [
        ("VAULT_PORT", "tcp://10.0.0.1:80"),
        ("VAULT_SERVICE_HOST", "10.0.0.1"),
        ("VAULT_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("VAULT_ADDR", "https://secrets.example"),
        ("GIN_MODE", "release"),
    ];
    assert_eq!(read(&theirs).expect("valid").warnings, [""; 0]);
}

#[test]
fn what_is_not_used_is_told_by_name_alone() {
    let given = [
        ("MONGODB_HOST", "hunter-host"),
        ("MONGODB_PASSWORD", "hunter2"),
        ("MQTTURI", "tcp://hunter:1883"),
        ("MQTT_PASSWORD", "hunter2"),
        ("CONTINUOUS_FORWARDING", "false"),
        ("VAULT_ID", "hunter"),
        ("VAULT_INTEGRATIONS", ""),
    ];
    let warnings = read(&given).expect("valid").warnings;
    assert!(
        warnings.iter().all(|told| !told.contains("hunter") && told.ends_with("(docs/replace.md)")),
        "{warnings:?}"
    );
    let beginnings =
        ["MONGODB_HOST, MONGODB_PASSWORD are", "MQTTURI, MQTT_PASSWORD are", "CONTINUOUS_FORWARDING is", "VAULT_ID is"];
    let found = warnings.iter().zip(beginnings).all(|(told, begins)| told.starts_with(&format!("{begins} not used: ")));
    assert!(found && warnings.len() == beginnings.len(), "{warnings:?}");

    let hub_user = r#"[{"name":"next","queue":"kerberosvault","vault_url":"http://v/api","provider":"p","access_key":"a","secret":"s",
        "forward_type":"ondemand","url":"http://hub","cloudkey":"k","username":"hunter"}]"#;
    let config = read(&[("VAULT_INTEGRATIONS", hub_user)]).expect("valid");
    let [told] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    assert!(
        told.starts_with("VAULT_INTEGRATIONS: integration \"next\": 'username' is not used")
            && !told.contains("hunter")
    );
}

#[test]
fn transfers_at_a_time_are_limited_where_an_integration_does_not_say() {
    let next = |more: &str| {
        format!(
            r#"[{{"name":"next","queue":"kerberosvault","vault_url":"http://v/api","provider":"p","access_key":"a","secret":"s"{more}}}]"#
        )
    };
    let (old, new) = ("CONTINUOUS_FORWARDING_CONCURRENCE_RATE", "FORWARDING_CONCURRENCY_RATE");
    for (more, rates, expected) in [
        ("", &[(new, "20")][..], "20"),
        ("", &[(old, "7")], "7"),
        ("", &[(old, "7"), (new, "20")], "20"),
        (r#","concurrency":2"#, &[(new, "20")], "2"),
    ] {
        let list = next(more);
        let pairs: Vec<_> = rates.iter().copied().chain([("VAULT_INTEGRATIONS", list.as_str())]).collect();
        let config = read(&pairs).expect("valid");
        assert_eq!(config.declarations.connections[0].settings.get("concurrency"), expected, "{rates:?}");
        assert_eq!(config.warnings, [""; 0]);
    }
    let file = "[[integration]]\nname = \"next\"\nkind = \"vault\"\nvault_url = \"http://v/api\"\naccess_key = \"a\"\nsecret_key = \"s\"\n";
    let config = read_with(file, &[(new, "20")]).expect("valid");
    assert_eq!(config.declarations.connections[0].settings.get("concurrency"), "20");
    let alone = read(&[(new, "20")]).expect("valid").warnings;
    assert!(alone.len() == 1 && alone[0].starts_with("FORWARDING_CONCURRENCY_RATE concerns"), "{alone:?}");
    for bad in ["0", "65", "many"] {
        let error = read(&[(new, bad)]).expect_err(bad);
        assert_eq!(error, "environment variable FORWARDING_CONCURRENCY_RATE: must be a whole number from 1 to 64");
    }
}

#[test]
fn the_page_for_operators_has_every_variable_and_field() {
    let page = include_str!("../../../../docs/replace.md");
    let mut wanted: Vec<&str> = SETTINGS.into_iter().chain(REFUSED).map(|(name, _)| name).collect();
    wanted.extend(Array::ALL.map(Array::variable));
    wanted.extend(CONCURRENCY.into_iter().chain([SIGN, "temporary", "use_ssl", "username"]));
    wanted.extend(UNUSED.iter().flat_map(|(beginnings, _)| *beginnings));
    wanted.extend(kinds::ACCOUNT.iter().map(|(theirs, _)| *theirs));
    for name in ["aws", "gcp", "minio", "storj", "azure"] {
        wanted.extend(
            [name].into_iter().chain(kinds::provider(name).expect("known").renamed.iter().map(|(theirs, _)| *theirs)),
        );
    }
    for name in ["sqs", "kafka", "rabbitmq", "kerberoscloud", "kerberosvault"] {
        let kind = kinds::integration(name).expect("known");
        wanted.extend([name].into_iter().chain(kind.renamed.iter().map(|(theirs, _)| *theirs)));
    }
    for name in wanted {
        assert!(page.contains(&format!("`{name}")), "docs/replace.md does not tell of {name}");
    }
}
