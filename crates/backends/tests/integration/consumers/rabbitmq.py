"""What another client of RabbitMQ sees, as JSON: rabbitmq.py HOST:PORT USER PASSWORD VIRTUAL_HOST COMMAND…

read QUEUE | exists QUEUE | declare QUEUE [ARGUMENT=VALUE…] | delete QUEUE | exchange NAME
"""
import json
import sys

import pika

address, user, password, virtual_host, command, *rest = sys.argv[1:]
host, port = address.split(":")
credentials = pika.PlainCredentials(user, password)
connection = pika.BlockingConnection(pika.ConnectionParameters(host, int(port), virtual_host, credentials))
channel = connection.channel()


def read(queue):
    found = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return found
        given = {name: value for name, value in vars(properties).items() if value is not None}
        found.append(
            {
                "exchange": method.exchange,
                "routing_key": method.routing_key,
                "properties": given,
                "body": body.decode(),
            }
        )


def exists(queue):
    try:
        channel.queue_declare(queue, passive=True)
        return True
    except pika.exceptions.ChannelClosedByBroker as refused:
        if refused.reply_code != 404:
            raise
        return False


def declare(queue, *arguments):
    """Fails when the queue is there, but otherwise: not durable, not of type quorum, with other arguments."""
    given = dict(argument.split("=") for argument in arguments)
    given = {name: int(value) if value.isdigit() else value for name, value in given.items()}
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum", **given})


def delete(queue):
    channel.queue_delete(queue)


def exchange(name):
    channel.exchange_declare(name, "direct")


commands = {"read": read, "exists": exists, "declare": declare, "delete": delete, "exchange": exchange}
json.dump(commands[command](*rest), sys.stdout)
