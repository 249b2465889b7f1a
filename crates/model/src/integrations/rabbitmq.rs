use super::authority::{CA_CERTIFICATE, check_ca_certificate};
use super::host::host_and_port;
use super::signed_url::SIGNED_URL;
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// A queue of a RabbitMQ broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rabbitmq {
    /// `host:port`, or `amqp(s)://host:port/virtual-host`.
    pub broker: String,
    /// Queue, and the routing key; declared when missing.
    pub topic: String,
    /// Exchange that events are published to; empty for the default one.
    pub exchange: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Authority of the broker's certificate, as PEM; empty trusts the system's.
    pub ca_certificate: String,
    /// For how many hours the address in its events is valid; 0 for none.
    pub signed_url_hours: u64,
}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Name or address; IPv6 in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Virtual host as written in an address, percent-encoded; empty for the default one.
    pub virtual_host: String,
}

/// Longest name in AMQP, in bytes.
const MAX_NAME: usize = 255;

impl Rabbitmq {
    /// The address in `broker`; `None` when it is not valid.
    pub fn address(&self) -> Option<BrokerAddress> {
        let (tls, rest) = match self.broker.split_once("://") {
            None => (false, self.broker.as_str()),
            Some(("amqp", rest)) => (false, rest),
            Some(("amqps", rest)) => (true, rest),
            Some(_) => return None,
        };
        let (authority, virtual_host) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority)?;
        let plain = virtual_host.chars().all(|c| c.is_ascii_graphic() && !"/?#".contains(c));
        plain.then(|| BrokerAddress {
            tls,
            host: host.to_owned(),
            port: port.unwrap_or(if tls { 5671 } else { 5672 }),
            virtual_host: virtual_host.to_owned(),
        })
    }

    fn check_broker(&self) -> Option<FieldError> {
        if self.broker.contains('@') {
            let words = "Broker must not hold a user or password: enter them in their own fields";
            return Some(FieldError::new("broker", words));
        }
        self.address().is_none().then(|| {
            FieldError::new(
                "broker",
                "Broker must be a name and a port, like rabbitmq:5672, or an address, like amqps://rabbitmq:5671/cameras",
            )
        })
    }
}

impl Definition for Rabbitmq {
    const NAME: &'static str = "rabbitmq";
    const LABEL: &'static str = "RabbitMQ";
    const ABOUT: &'static str = "A queue of your RabbitMQ broker, and a user that may write to it; \
        one that may also configure it, if the queue is not there yet.";
    const FIELDS: &'static [Field] = &[
        Field::text("broker", "Broker")
            .required()
            .placeholder("rabbitmq:5672")
            .help("Name and port, or an address: amqps://rabbitmq:5671 for TLS, amqp://rabbitmq:5672/cameras for a virtual host.")
            .target(),
        Field::text("topic", "Queue")
            .required()
            .placeholder("recordings")
            .help("Also the routing key. Declared as a durable quorum queue if it is missing."),
        Field::text("exchange", "Exchange").help("Leave empty for the default one. Must exist, and lead to a queue."),
        Field::text("username", "User name").required().in_right_column(),
        Field::secret("password", "Password").required(),
        CA_CERTIFICATE,
        SIGNED_URL,
    ];

    fn check(&self) -> Vec<FieldError> {
        let too_long = |name: &str, label: &str, value: &str| {
            let words = format!("{label} is too long: at most {MAX_NAME} bytes");
            (value.len() > MAX_NAME).then(|| FieldError::new(name, words))
        };
        [
            self.check_broker(),
            too_long("topic", "Queue", &self.topic),
            too_long("exchange", "Exchange", &self.exchange),
            check_ca_certificate(&self.ca_certificate),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Settings;

    fn parse(broker: &str) -> Result<Rabbitmq, Vec<FieldError>> {
        let settings = Settings::new().with("broker", broker).with("topic", "recordings");
        Rabbitmq::parse(&settings.with("username", "vault").with("password", "secret"))
    }

    #[test]
    fn reads_every_way_to_name_a_broker() {
        for (broker, tls, host, port, virtual_host) in [
            ("rabbitmq", false, "rabbitmq", 5672, ""),
            ("rabbitmq:5673", false, "rabbitmq", 5673, ""),
            ("[fd12::1]:5672", false, "[fd12::1]", 5672, ""),
            ("amqp://rabbitmq", false, "rabbitmq", 5672, ""),
            ("amqp://rabbitmq/", false, "rabbitmq", 5672, ""),
            ("amqps://rabbitmq.example", true, "rabbitmq.example", 5671, ""),
            ("amqps://rabbitmq.example:443/cameras%2fnorth", true, "rabbitmq.example", 443, "cameras%2fnorth"),
        ] {
            let expected = BrokerAddress { tls, host: host.into(), port, virtual_host: virtual_host.into() };
            assert_eq!(parse(broker).expect("valid").address(), Some(expected), "{broker}");
        }
    }

    #[test]
    fn refuses_credentials_and_what_is_no_address() {
        let errors = parse("amqp://vault:hunter2@rabbitmq:5672").expect_err("credentials");
        assert!(errors[0].message.contains("must not hold a user or password"), "{errors:?}");
        assert!(!errors[0].message.contains("hunter2"));
        for broker in ["http://rabbitmq:5672", "rabbitmq:5672?heartbeat=0", "amqp://", "amqp://rabbitmq/a/b", "a b"] {
            let errors = parse(broker).expect_err(broker);
            assert_eq!(errors[0].field, "broker", "{broker}");
        }
    }
}
