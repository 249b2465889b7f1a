use super::authority::{CA_CERTIFICATE, check_ca_certificate};
use super::host::host_and_port;
use super::signed_url::SIGNED_URL;
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// A topic of a Kafka cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// One or more `host:port`, separated by commas.
    pub broker: String,
    /// Topic; created when missing.
    pub topic: String,
    /// Consumer group; a note for the consumers' sake, not used to produce.
    pub group: String,
    /// How connections are protected, in Kafka's words.
    pub security: Security,
    /// How the vault logs in.
    pub mechanism: Mechanism,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Authority of the brokers' certificates, as PEM; empty trusts the system's.
    pub ca_certificate: String,
    /// For how many hours the address in its events is valid; 0 for none.
    pub signed_url_hours: u64,
}

/// Kafka's `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Security {
    /// No TLS, no login.
    Plaintext,
    /// A login over an unencrypted connection.
    SaslPlaintext,
    /// TLS without a login.
    Ssl,
    /// TLS and a login.
    SaslSsl,
}

impl Security {
    /// Kafka's name for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Whether the vault logs in.
    pub const fn logs_in(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    /// Whether connections are encrypted.
    pub const fn encrypts(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

/// Kafka's `sasl.mechanism`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// No login.
    #[serde(rename = "none")]
    None,
    /// Sends the password itself.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Sends only a proof of the password.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with a longer hash.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    /// Kafka's name for it; empty for none.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Where brokers listen when nothing else is said.
const DEFAULT_PORT: u16 = 9092;
/// Longest name of a topic.
const MAX_TOPIC: usize = 249;

impl Kafka {
    /// Host and port of each broker, in the order given.
    pub fn brokers(&self) -> Vec<(String, u16)> {
        let each = self.broker.split(',').filter_map(|text| host_and_port(text.trim()));
        each.map(|(host, port)| (host.to_owned(), port.unwrap_or(DEFAULT_PORT))).collect()
    }

    fn check_topic(&self) -> Option<FieldError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let valid = self.topic.len() <= MAX_TOPIC
            && self.topic.chars().all(allowed)
            && !matches!(self.topic.as_str(), "" | "." | "..");
        (!valid).then(|| {
            FieldError::new(
                "topic",
                "Topic must be up to 249 letters, digits, dots, dashes or underscores, without spaces",
            )
        })
    }

    fn check_login(&self) -> Option<FieldError> {
        match (self.security.logs_in(), self.mechanism) {
            (true, Mechanism::None) => Some(FieldError::new(
                "mechanism",
                format!("Mechanism must be chosen, because Security is {}", self.security.as_str()),
            )),
            (true, _) if self.username.is_empty() => Some(FieldError::new(
                "username",
                format!("User name is required, because Security is {}", self.security.as_str()),
            )),
            (false, mechanism) if mechanism != Mechanism::None => Some(FieldError::new(
                "security",
                format!("Security must be SASL_PLAINTEXT or SASL_SSL for a login with {}", mechanism.as_str()),
            )),
            _ => None,
        }
    }
}

impl Definition for Kafka {
    const NAME: &'static str = "kafka";
    const LABEL: &'static str = "Kafka";
    const ABOUT: &'static str = "A topic of your Kafka brokers, and a user that may describe and write it; \
        one that may also create topics, if the topic is not there yet.";
    const FIELDS: &'static [Field] = &[
        Field::text("broker", "Broker")
            .required()
            .placeholder("kafka-1:9092, kafka-2:9092")
            .help("Name and port of one broker or more, separated by commas.")
            .target(),
        Field::text("topic", "Topic").required().placeholder("recordings").help("Created if it is missing."),
        Field::text("group", "Group").help("For your notes: the consumer group that reads. The vault does not use it."),
        Field::text("username", "User name").in_right_column(),
        Field::secret("password", "Password"),
        Field::select(
            "mechanism",
            "Mechanism",
            &[
                ("none", "None"),
                ("PLAIN", "PLAIN"),
                ("SCRAM-SHA-256", "SCRAM-SHA-256"),
                ("SCRAM-SHA-512", "SCRAM-SHA-512"),
            ],
            "none",
        )
        .help("How the brokers want the password proven.")
        .in_right_column()
        .target(),
        Field::select(
            "security",
            "Security",
            &[
                ("PLAINTEXT", "PLAINTEXT"),
                ("SASL_PLAINTEXT", "SASL_PLAINTEXT"),
                ("SSL", "SSL"),
                ("SASL_SSL", "SASL_SSL"),
            ],
            "PLAINTEXT",
        )
        .help("SASL: with a login. SSL: encrypted.")
        .in_right_column()
        .target(),
        CA_CERTIFICATE,
        SIGNED_URL,
    ];

    fn check(&self) -> Vec<FieldError> {
        let brokers = self.broker.split(',').all(|text| host_and_port(text.trim()).is_some());
        let broker = (!brokers).then(|| {
            FieldError::new(
                "broker",
                "Broker must be names with ports, separated by commas, like kafka-1:9092, kafka-2:9092",
            )
        });
        [broker, self.check_topic(), self.check_login(), check_ca_certificate(&self.ca_certificate)]
            .into_iter()
            .flatten()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Settings;

    fn settings() -> Settings {
        Settings::new().with("broker", "kafka-1:9092, [fd12::2]:9093,kafka-3").with("topic", "recordings")
    }

    #[test]
    fn several_brokers() {
        let kafka = Kafka::parse(&settings()).expect("valid");
        let expected = [("kafka-1", 9092), ("[fd12::2]", 9093), ("kafka-3", 9092)];
        assert_eq!(kafka.brokers(), expected.map(|(host, port)| (host.to_owned(), port)));
    }

    #[test]
    fn each_mistake_is_told_at_its_field() {
        let secure = settings().with("security", "SASL_SSL");
        for (settings, field, words) in [
            (settings().with("broker", "kafka-1:9092,,kafka-2"), "broker", "separated by commas"),
            (settings().with("broker", "kafka://kafka-1:9092"), "broker", "like kafka-1:9092"),
            (settings().with("topic", "my recordings"), "topic", "without spaces"),
            (settings().with("topic", ".."), "topic", "Topic must"),
            (settings().with("mechanism", "PLAIN"), "security", "SASL_PLAINTEXT or SASL_SSL for a login with PLAIN"),
            (secure.clone(), "mechanism", "must be chosen"),
            (secure.clone().with("mechanism", "PLAIN"), "username", "is required"),
            (secure.with("mechanism", "GSSAPI").with("username", "vault"), "mechanism", "must be one of"),
            (settings().with("ca_certificate", "/etc/ssl/ca.pem"), "ca_certificate", "BEGIN CERTIFICATE"),
        ] {
            let errors = Kafka::parse(&settings).expect_err(words);
            assert!(errors[0].field == field && errors[0].message.contains(words), "{field} {words}: {errors:?}");
        }
    }
}
