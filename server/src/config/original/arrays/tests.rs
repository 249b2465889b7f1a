use super::super::tests::{PROVIDERS, all, only, read, read_with};
use model::connection::Family;
use model::field::Settings;

#[test]
fn the_documented_example_declares_what_a_file_would() {
    let file = r#"
        [[provider]]
        name = "archive"
        kind = "minio"
        host = "minio.example:9000"
        region = "us-east-1"
        bucket = "recordings"
        access_key = "store-key"
        secret_key = "hunter-store"
        ssl = false
        signed_urls = "provider"
        [[integration]]
        name = "events"
        kind = "rabbitmq"
        broker = "amqp://rabbitmq.example:5672"
        topic = "recordings"
        username = "vault"
        password = "hunter-broker"
        [[account]]
        name = "fleet"
        directory = "fleet"
        provider = "archive"
        integrations = ["events"]
        access_key = "fleet-key"
        secret_key = "hunter-account"
        day_limit = 30
    "#;
    let (ours, theirs) = (read_with(file, &[]).expect("valid"), read(&all()).expect("valid"));
    assert_eq!(theirs.declarations.connections, ours.declarations.connections);
    assert_eq!(theirs.declarations.accounts, ours.declarations.accounts);
    assert_eq!(theirs.warnings, [""; 0]);
}

#[test]
fn every_kind_becomes_one_of_ours() {
    let key =
        r#"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\"}"#;
    let plain_key = key.replace('\\', "");
    let gcp = format!(r#"{{"name":"x","provider":"gcp","bucket":"recordings","serviceKey":"{key}"}}"#);
    let signed = [("signed_urls", "provider")];
    for (entry, kind, settings) in [
        (
            r#"{"name":"x","provider":"aws","bucket":"recordings","region":"eu-west-1","access_key":"a","secret":"s","use_ssl":"true"}"#,
            "s3",
            &[("bucket", "recordings"), ("region", "eu-west-1"), ("access_key", "a"), ("secret_key", "s")][..],
        ),
        (&gcp, "gcs", &[("bucket", "recordings"), ("service_key", &plain_key)]),
        (
            r#"{"name":"x","provider":"minio","bucket":"recordings","region":"na","host":"m:9000","access_key":"a","secret":"s","use_ssl":true}"#,
            "minio",
            &[
                ("bucket", "recordings"),
                ("region", "na"),
                ("host", "m:9000"),
                ("access_key", "a"),
                ("secret_key", "s"),
                ("ssl", "true"),
            ],
        ),
        (
            r#"{"name":"x","provider":"storj","bucket":"recordings","region":"eu1","host":"gateway.eu1.storjshare.io","access_key":"a","secret":"s"}"#,
            "storj",
            &[
                ("bucket", "recordings"),
                ("host", "gateway.eu1.storjshare.io"),
                ("access_key", "a"),
                ("secret_key", "s"),
            ],
        ),
        (
            r#"{"name":"x","provider":"azure","account_name":"recordings","account_key":"aGVsbG8=","container_name":"vault","temporary":"false"}"#,
            "azure",
            &[("account", "recordings"), ("key", "aGVsbG8="), ("container", "vault")],
        ),
    ] {
        let form = only("VAULT_STORAGE_PROVIDERS", entry, &[]);
        let expected: Settings =
            settings.iter().chain(&signed).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!((form.family, form.kind.as_str(), form.enabled), (Family::Provider, kind, true));
        assert!(form.settings == expected, "{entry}: {:?}", form.settings.iter().collect::<Vec<_>>());
    }
    for (entry, kind, settings) in [
        (
            r#"{"name":"x","queue":"sqs","region":"eu-west-1","topic":"recordings.fifo","access_key":"","secret":null}"#,
            "sqs",
            &[("region", "eu-west-1"), ("topic", "recordings.fifo")][..],
        ),
        (
            r#"{"name":"x","queue":"kafka","broker":"k:9092","group":"g","topic":"t","username":"u","password":"p","mechanism":"scram-sha-256","security":"sasl_ssl"}"#,
            "kafka",
            &[
                ("broker", "k:9092"),
                ("group", "g"),
                ("topic", "t"),
                ("username", "u"),
                ("password", "p"),
                ("mechanism", "SCRAM-SHA-256"),
                ("security", "SASL_SSL"),
            ],
        ),
        (
            r#"{"name":"x","queue":"kafka","broker":"k:9092","group":"g","topic":"t","username":"","password":"","mechanism":"none","security":"PLAINTEXT"}"#,
            "kafka",
            &[("broker", "k:9092"), ("group", "g"), ("topic", "t"), ("security", "PLAINTEXT")],
        ),
        (
            r#"{"name":"x","queue":"kerberoscloud","url":"https://hub.example","cloudkey":"k"}"#,
            "hub",
            &[("url", "https://hub.example"), ("hub_key", "k")],
        ),
        (
            r#"{"name":"x","queue":"kerberosvault","vault_url":"https://v.example/api","provider":"p","access_key":"a","secret":"s","forward_type":"ondemand","url":"https://hub.example","cloudkey":"k"}"#,
            "vault",
            &[
                ("vault_url", "https://v.example/api"),
                ("provider", "p"),
                ("access_key", "a"),
                ("secret_key", "s"),
                ("forward_type", "ondemand"),
                ("url", "https://hub.example"),
                ("hub_key", "k"),
            ],
        ),
    ] {
        let form = only("VAULT_INTEGRATIONS", entry, &[]);
        let expected: Settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!((form.family, form.kind.as_str()), (Family::Integration, kind));
        assert!(form.settings == expected, "{entry}: {:?}", form.settings.iter().collect::<Vec<_>>());
    }
}

#[test]
fn this_vaults_kinds_and_keys_are_taken_as_well() {
    let form = only("VAULT_STORAGE_PROVIDERS", r#"{"name":"x","provider":"filesystem","path":"/srv/recordings"}"#, &[]);
    assert_eq!((form.kind.as_str(), form.settings.get("path")), ("filesystem", "/srv/recordings"));
    let form = only("VAULT_INTEGRATIONS", r#"{"name":"x","queue":"webhook","url":"http://a/b","secret":"s"}"#, &[]);
    assert_eq!((form.kind.as_str(), form.settings.get("secret")), ("webhook", "s"));
    let s3 = r#"{"name":"x","provider":"aws","bucket":"recordings","region":"r","secret_key":"s","access_key":"a","path_style":true}"#;
    let form = only("VAULT_STORAGE_PROVIDERS", s3, &[]);
    assert_eq!((form.settings.get("secret_key"), form.settings.get("path_style")), ("s", "true"));
}

#[test]
fn values_are_texts_or_what_they_mean() {
    let accounts = r#"[{"account":"fleet","directory":"*","provider":"archive","access_key":"k","secret_access_key":"s","limit":7,
        "enabled":false,"secondary_providers":null,"queues":[]}]"#;
    let config = read(&[("VAULT_STORAGE_PROVIDERS", PROVIDERS), ("VAULT_ACCOUNTS", accounts)]).expect("valid");
    let account = &config.declarations.accounts[0];
    assert_eq!((account.day_limit, account.enabled, account.directory.as_str()), (7, false, "*"));
    let off = PROVIDERS.replace("}]", r#","enabled":"false"}]"#);
    assert!(!read(&[("VAULT_STORAGE_PROVIDERS", &off)]).expect("valid").declarations.connections[0].enabled);
    for nothing in ["", " ", "[]"] {
        let config = read(&[("VAULT_STORAGE_PROVIDERS", nothing), ("VAULT_ACCOUNTS", nothing)]).expect("nothing");
        assert!(config.declarations.is_empty());
    }
}

#[test]
fn a_mistake_is_told_with_variable_entry_and_field() {
    for (variable, from, to, expected) in [
        (0, r#""bucket":"recordings","#, "", "provider \"archive\": 'bucket': Bucket is required"),
        (0, r#""secret":"hunter-store","#, "", "provider \"archive\": 'secret': Secret key is required"),
        (
            0,
            r#""secret":"#,
            r#""secrt":"#,
            "provider \"archive\": unknown setting 'secrt'; did you mean 'secret'? known are: bucket, host, region, access_key, \
             secret, use_ssl, signing, public_endpoint, ca",
        ),
        (0, r#""name":"archive","#, "", "provider 1 of the list: 'name' is required"),
        (0, r#""provider":"minio","#, "", "provider \"archive\": 'provider' is required"),
        (
            0,
            r#""provider":"minio""#,
            r#""provider":"mini""#,
            "provider \"archive\": 'provider' is 'mini', which is none of the known; did you mean 'minio'? known are: aws, gcp, \
             minio, storj, azure",
        ),
        (0, r#""use_ssl":"false""#, r#""use_ssl":"no""#, "provider \"archive\": 'use_ssl': SSL must be true or false"),
        (0, r#""region":"us-east-1""#, r#""region":["a"]"#, "'region' must be a single value, not a list"),
        (
            0,
            r#""use_ssl":"false""#,
            r#""temporary":"true""#,
            "provider \"archive\": 'temporary' must be false: this vault has no temporary providers",
        ),
        (
            0,
            r#""use_ssl":"false""#,
            r#""signing":"both""#,
            "'signing': Links for browsers must be one of: vault, provider",
        ),
        (0, r#""secret":"hunter-store""#, r#""secret":"hunter-store","secret_key":"x""#, "'secret': is given twice"),
        (0, "}]", "},{}]", "provider 2 of the list: 'provider' is required"),
        (0, "}]", "},7]", "provider 2 of the list must be a JSON object"),
        (
            1,
            r#""broker":"amqp"#,
            r#""broker":"http"#,
            "integration \"events\": 'broker': Broker must be a name and a port",
        ),
        (
            1,
            r#""password":"hunter-broker""#,
            r#""password":{"a":1}"#,
            "'password' must be a single value, not an object",
        ),
        (2, r#""account":"fleet","#, "", "account 1 of the list: 'account' is required"),
        (2, r#""directory":"fleet","#, "", "account \"fleet\": 'directory' is required"),
        (2, r#""limit":"30","#, "", "account \"fleet\": 'limit' is required"),
        (
            2,
            r#""limit":"30""#,
            r#""limit":"a month""#,
            "account \"fleet\": 'limit': Day limit must be a number of days",
        ),
        (2, r#""secret_access_key":"hunter-account","#, "", "account \"fleet\": 'secret_access_key' is required"),
        (
            2,
            r#""provider":"archive""#,
            r#""provider":"archiv""#,
            "account \"fleet\": 'provider': no provider 'archiv' is declared; did you mean 'archive'?",
        ),
        (2, r#"["events"]"#, r#"["event"]"#, "account \"fleet\": 'queues': no integration 'event' is declared"),
        (2, r#"["events"]"#, r#""events""#, "account \"fleet\": 'queues' must be a list of names"),
        (
            2,
            "}]",
            r#"},{"account":"fleet","directory":"b","provider":"archive","access_key":"b","secret_access_key":"s","limit":"1"}]"#,
            "account \"fleet\": 'account': is declared twice",
        ),
    ] {
        let mut pairs = all().map(|(name, value)| (name, value.to_owned()));
        assert!(pairs[variable].1.contains(from), "{from}");
        pairs[variable].1 = pairs[variable].1.replace(from, to);
        let name = pairs[variable].0;
        let error = read(&pairs.each_ref().map(|(name, value)| (*name, value.as_str()))).expect_err(expected);
        let told = error.lines().find(|line| line.contains(expected));
        assert!(
            told.is_some_and(|line| line.starts_with(&format!("environment variable {name}: "))),
            "{expected}\nbut was:\n{error}"
        );
        assert!(!error.contains("hunter"), "{error}");
    }
}

#[test]
fn what_is_no_json_is_told_without_its_text() {
    for (list, expected) in [
        (r#"[{"name":"x","secret":"hunter2""#, "is no valid JSON: EOF while parsing an object at line 1 column"),
        (r#"[{"name":"x","secret":"hunter2\q"}]"#, "is no valid JSON: invalid escape at line 1 column"),
        (r#"[{"secret":hunter2}]"#, "is no valid JSON: expected value at line 1 column"),
        (r#"[{"secret":"hunter2"}] hunter2"#, "is no valid JSON: trailing characters at line 1 column"),
        (r#"{"secret":"hunter2"}"#, "must be a JSON array of objects"),
        (r#""hunter2""#, "must be a JSON array of objects"),
        (r#"["hunter2"]"#, "provider 1 of the list must be a JSON object"),
    ] {
        let error = read(&[("VAULT_STORAGE_PROVIDERS", list)]).expect_err(list);
        let expected = format!("environment variable VAULT_STORAGE_PROVIDERS: {expected}");
        assert!(error.starts_with(&expected) && !error.contains("hunter"), "{error}");
    }
}
