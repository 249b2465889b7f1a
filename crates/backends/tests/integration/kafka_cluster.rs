//! Three brokers of Kafka's, of which one is lost and comes back: `scripts/services start kafka-cluster`.

use crate::kafka_broker::{ask, ids, open, settings, topic, until};
use crate::line::Line;
use crate::{event, send_until_taken, within};
use model::error::SinkErrorKind;
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_KAFKA_CLUSTER{name}");
    std::env::var(&name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `scripts/services start kafka-cluster`, or `make test`, which does")
    })
}

/// The nodes 1, 2 and 3, all there at first.
struct Cluster {
    /// `host:port` of each, separated by commas.
    brokers: String,
    folder: PathBuf,
    /// Nobody else has the cluster meanwhile.
    _alone: File,
}

impl Cluster {
    /// `None` where Kafka cannot be had, which `make test` says at its end.
    async fn alone() -> Option<Self> {
        let brokers = env("");
        if brokers.is_empty() {
            return None;
        }
        let folder = PathBuf::from(env("_FOLDER"));
        let lock = File::create(folder.join("lock")).unwrap();
        let waited = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
        let cluster = Self { brokers, folder, _alone: within("the cluster", waited).await.unwrap().unwrap() };
        // what an earlier test that failed left behind
        for node in 1..=3 {
            cluster.bring_back(node);
        }
        Some(cluster)
    }

    fn address(&self, node: usize) -> &str {
        self.brokers.split(',').nth(node - 1).unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> Value {
        ask(&self.brokers, arguments)
    }

    fn received(&self, topic: &str) -> Vec<String> {
        ids(self.ask(&["read", topic]).as_array().unwrap())
    }

    /// As a machine that loses its power.
    fn kill(&self, node: usize) {
        let folder = self.folder.join(format!("node-{node}"));
        File::create(folder.join("down")).unwrap();
        let process = std::fs::read_to_string(folder.join("pid")).unwrap();
        assert!(Command::new("kill").args(["-KILL", &process]).status().unwrap().success());
    }

    fn bring_back(&self, node: usize) {
        let _ = std::fs::remove_file(self.folder.join(format!("node-{node}/down")));
    }

    /// Waits until these nodes have all of the topic, and no others.
    async fn in_sync(&self, topic: &str, nodes: &[usize]) {
        let wanted = serde_json::json!(nodes);
        until("the nodes in sync", || self.ask(&["partition", topic])["in_sync"] == wanted).await;
    }

    fn leader(&self, topic: &str) -> Option<u64> {
        self.ask(&["partition", topic])["leader"].as_u64()
    }
}

/// The partition's leader is killed, and another one takes its place; then it has all again, and the place.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_and_comes_back() {
    let Some(cluster) = Cluster::alone().await else { return };
    let topic = topic();
    cluster.ask(&["place", &topic, "2,3,1"]);
    cluster.in_sync(&topic, &[1, 2, 3]).await;
    let sink = open(&settings(&cluster.brokers, &topic));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    assert_eq!(cluster.leader(&topic), Some(2));

    cluster.kill(2);
    send_until_taken(&*sink, &event("2", "camera", "{}")).await;
    assert_ne!(cluster.leader(&topic), Some(2));
    sink.send(&event("3", "camera", "{}")).await.unwrap();

    cluster.bring_back(2);
    cluster.in_sync(&topic, &[1, 2, 3]).await;
    sink.send(&event("4", "camera", "{}")).await.unwrap();
    cluster.ask(&["prefer", &topic]);
    until("the old leader", || cluster.leader(&topic) == Some(2)).await;
    sink.send(&event("5", "camera", "{}")).await.unwrap();
    assert_eq!(cluster.received(&topic), ["1", "2", "3", "4", "5"]);
}

/// What too few nodes would have is not taken as sent.
#[tokio::test(flavor = "multi_thread")]
async fn too_few_in_sync_replicas() {
    let Some(cluster) = Cluster::alone().await else { return };
    let topic = topic();
    cluster.ask(&["place", &topic, "1,3", "min.insync.replicas=2"]);
    let sink = open(&settings(cluster.address(1), &topic));
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    cluster.kill(3);
    cluster.in_sync(&topic, &[1]).await;
    let error = sink.send(&event("2", "camera", "{}")).await.unwrap_err();
    let words = format!("Too few in-sync replicas of the topic '{topic}' are there to keep the event.");
    assert_eq!((error.kind, error.message), (SinkErrorKind::Down, words));
    cluster.bring_back(3);
    send_until_taken(&*sink, &event("2", "camera", "{}")).await;
    assert_eq!(cluster.received(&topic), ["1", "2"]);
}

/// Brokers close what nobody uses, these after five seconds: the next event finds its way at once.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_closed() {
    let Some(cluster) = Cluster::alone().await else { return };
    let (topic, line) = (topic(), Line::to_kafka(cluster.address(1)).await);
    cluster.ask(&["place", &topic, "1,2"]);
    let sink = open(&settings(&line.address, &topic));
    for id in ["1", "2"] {
        sink.send(&event(id, "camera", "{}")).await.unwrap();
        within("the end of idle connections", line.is_idle()).await;
    }
    sink.send(&event("3", "camera", "{}")).await.unwrap();
    assert_eq!(cluster.received(&topic), ["1", "2", "3"]);
}

/// The brokers make no topic that is only asked for, and this one has as many replicas as they say.
#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_where_brokers_make_none_by_themselves() {
    let Some(cluster) = Cluster::alone().await else { return };
    let topic = topic();
    let sink = open(&settings(&cluster.brokers, &topic));
    let report = sink.probe().await;
    assert!(report.passed(), "{report:?}");
    assert!(!cluster.ask(&["topics"]).as_array().unwrap().contains(&topic.as_str().into()), "validating makes none");
    sink.send(&event("1", "camera", "{}")).await.unwrap();
    cluster.in_sync(&topic, &[1, 2, 3]).await;
    assert_eq!(cluster.received(&topic), ["1"]);
}
