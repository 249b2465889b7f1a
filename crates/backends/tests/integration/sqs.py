"""The other side of the SQS tests, by Amazon's own client: make QUEUE [ATTRIBUTE=VALUE…], delete QUEUE,
read QUEUE COUNT.

What is read is printed as JSON, in the order it came.
"""

import json
import os
import sys

import boto3

env = {name: os.environ[f"VAULT_TEST_SQS_{name}"] for name in ("ENDPOINT", "ACCESS_KEY", "SECRET_KEY")}
sqs = boto3.client(
    "sqs",
    endpoint_url=env["ENDPOINT"],
    region_name="us-east-1",
    aws_access_key_id=env["ACCESS_KEY"],
    aws_secret_access_key=env["SECRET_KEY"],
)


def make(queue, *attributes):
    fifo = {"FifoQueue": "true"} if queue.endswith(".fifo") else {}
    sqs.create_queue(QueueName=queue, Attributes=fifo | dict(given.split("=") for given in attributes))


def delete(queue):
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"])


def read(queue, count):
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    messages = []
    # One more look than needed: what came too often must be seen as well.
    while True:
        wait = 5 if len(messages) < int(count) else 0
        wanted = {"MessageAttributeNames": ["All"], "AttributeNames": ["MessageGroupId", "MessageDeduplicationId"]}
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait, **wanted)
        if "Messages" not in answer:
            break
        for message in answer["Messages"]:
            attributes = {name: a["StringValue"] for name, a in message.get("MessageAttributes", {}).items()}
            messages.append({"body": message["Body"], "attributes": attributes, **message.get("Attributes", {})})
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    print(json.dumps(messages))


{"make": make, "delete": delete, "read": read}[sys.argv[1]](*sys.argv[2:])
