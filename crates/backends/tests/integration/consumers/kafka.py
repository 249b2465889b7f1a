"""What another client of Kafka sees, as JSON: kafka.py BROKER read TOPIC | topics | create TOPIC PARTITIONS | delete TOPIC"""
import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

broker, command, *rest = sys.argv[1:]
connection = {"bootstrap.servers": broker, "allow.auto.create.topics": False}
# Its answers are lost when it goes away.
admin = AdminClient(connection)


def read(topic):
    consumer = Consumer({**connection, "group.id": "reader", "enable.auto.commit": False})
    partitions = admin.list_topics(timeout=10).topics[topic].partitions
    found = []
    for partition in sorted(partitions):
        place = TopicPartition(topic, partition, 0)
        _, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([place])
        for _ in range(end):
            message = consumer.poll(10)
            if message is None or message.error():
                sys.exit(f"cannot read: {message and message.error()}")
            found.append(
                {
                    "partition": partition,
                    "key": message.key() and message.key().decode(),
                    "headers": {name: value.decode() for name, value in message.headers() or []},
                    "value": message.value().decode(),
                }
            )
    consumer.close()
    return found


def topics():
    return sorted(name for name in admin.list_topics(timeout=10).topics if not name.startswith("__"))


def create(topic, partitions):
    admin.create_topics([NewTopic(topic, int(partitions), 1)])[topic].result()


def delete(topic):
    admin.delete_topics([topic])[topic].result()


json.dump({"read": read, "topics": topics, "create": create, "delete": delete}[command](*rest), sys.stdout)
