"""What another client of Kafka sees and does, as JSON: kafka.py BROKERS COMMAND TOPIC ...; the commands are the functions."""
import json
import sys
import time

from confluent_kafka import Consumer, ElectionType, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

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


def place(topic, nodes, *settings):
    """Makes a topic of one partition, whose leader is the first of these nodes while it is there."""
    replicas = [[int(node) for node in nodes.split(",")]]
    config = dict(setting.split("=") for setting in settings)
    admin.create_topics([NewTopic(topic, 1, replica_assignment=replicas, config=config)])[topic].result()


def partition(topic):
    found = admin.list_topics(topic, timeout=10).topics[topic].partitions.get(0)
    return found and {"leader": found.leader, "in_sync": sorted(found.isrs)}


def prefer(topic):
    """Gives the partition back to the leader that it was made for."""
    for error in admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, 0)]).result().values():
        if error:
            sys.exit(f"cannot elect: {error}")


def allow(topic, user, *operations):
    """Rights on a topic, and nothing else; waits until the broker knows of them."""
    on, like = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL), (f"User:{user}", "*")
    rights = [AclBinding(*on, *like, AclOperation[operation], AclPermissionType.ALLOW) for operation in operations]
    for made in admin.create_acls(rights).values():
        made.result()
    known = AclBindingFilter(*on, *like, AclOperation.ANY, AclPermissionType.ANY)
    deadline = time.monotonic() + 30
    while not set(rights) <= set(admin.describe_acls(known).result()):
        if time.monotonic() > deadline:
            sys.exit(f"the broker does not know of {rights}")
        time.sleep(0.05)


def delete(topic):
    admin.delete_topics([topic])[topic].result()


commands = (read, topics, create, place, partition, prefer, allow, delete)
json.dump({known.__name__: known for known in commands}[command](*rest), sys.stdout)
