//! Kafka: what is sent, and what Validate leaves alone. What was sent is read by another client.

use crate::conformance::sink_suite;
use crate::kafka_broker::{Broker, ids, open, settings, topic};
use crate::{event, steps, whole_event};
use serde_json::Value;
use std::collections::HashMap;

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let broker = Broker::any();
    let topic = broker.topic();
    let mut sent = sink_suite(open(&settings(&broker.address, &topic))).await;
    let messages = broker.read(&topic);
    let mut received = ids(&messages);
    assert_eq!(received[..5], sent[..5]);
    assert_eq!((&messages[0]["key"], &messages[4]["key"]), (&"camera 1".into(), &Value::Null));
    assert!(messages[3]["value"].as_str().unwrap().len() > 200_000);
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_reads_exactly_this() {
    let broker = Broker::any();
    let topic = broker.topic();
    open(&settings(&broker.address, &topic)).send(&whole_event()).await.unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&broker.read(&topic)).unwrap());
}

/// A camera's events stay in one partition, in order; cameras are spread over all of them.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_each_cameras_order() {
    let (broker, topic) = (Broker::any(), topic());
    broker.make(&topic, 4);
    let sink = open(&settings(&broker.address, &topic));
    for n in 0..10 {
        let round = (0..8).map(|camera| event(&format!("{camera}-{n}"), &format!("camera {camera}"), "{}"));
        let round: Vec<_> = round.collect();
        for result in futures::future::join_all(round.iter().map(|e| sink.send(e))).await {
            result.unwrap();
        }
    }
    let mut by_camera: HashMap<String, Vec<Value>> = HashMap::new();
    for message in broker.read(&topic) {
        by_camera.entry(message["key"].as_str().unwrap().to_owned()).or_default().push(message);
    }
    assert_eq!(by_camera.len(), 8);
    let mut partitions = Vec::new();
    for (camera, messages) in by_camera {
        let camera = camera.rsplit(' ').next().unwrap();
        assert_eq!(ids(&messages), (0..10).map(|n| format!("{camera}-{n}")).collect::<Vec<_>>());
        assert!(messages.iter().all(|m| m["partition"] == messages[0]["partition"]));
        partitions.push(messages[0]["partition"].as_u64());
    }
    partitions.sort();
    partitions.dedup();
    assert!(partitions.len() > 1, "{partitions:?}");
}

/// Also where a topic is made when somebody only asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn validating_makes_no_topic() {
    let Some(broker) = Broker::apache() else { return };
    let topic = broker.topic();
    let sink = open(&settings(&broker.address, &topic));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate", "topic"]);
    let topics = broker.ask(&["topics"]);
    assert!(!topics.as_array().unwrap().contains(&topic.as_str().into()), "{topics}");
}
