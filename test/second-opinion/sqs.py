"""Runs the same SQS calls against two endpoints and compares what they answer.

    python3 sqs.py http://127.0.0.1:4566 http://127.0.0.1:5000
"""

from compare import Session, main

IGNORED = {
    "MessageId", "Message", "ReceiptHandle", "CreatedTimestamp", "LastModifiedTimestamp", "SenderId", "SentTimestamp",
    "ApproximateFirstReceiveTimestamp", "NextToken", "SequenceNumber", "TaskHandle",
}  # fmt: skip

# Where moto 5.2 is known to be the one that differs from AWS.
KNOWN = {
    "attribute RedrivePolicy": "moto writes its JSON with spaces",
    "empty body": "moto takes it; AWS wants at least one character",
    "batch": "moto adds an empty list of failures",
    "show batch": "moto adds an empty list of failures",
}


def text(value):
    return {"DataType": "String", "StringValue": value}


def play(s):
    dead = s.step("create dead", "create_queue", QueueName="dead").get("QueueUrl", "")
    arn = s.client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = '{"deadLetterTargetArn":"%s","maxReceiveCount":2}' % arn
    url = s.step(
        "create", "create_queue", QueueName="q", Attributes={"VisibilityTimeout": "30", "RedrivePolicy": redrive}
    ).get("QueueUrl", "")
    q = {"QueueUrl": url}
    s.step("create again", "create_queue", QueueName="q", Attributes={"VisibilityTimeout": "30"})
    s.step("create otherwise", "create_queue", QueueName="q", Attributes={"VisibilityTimeout": "31"})
    s.step("bad name", "create_queue", QueueName="a b")
    s.step("url", "get_queue_url", QueueName="q")
    s.step("no url", "get_queue_url", QueueName="none")
    s.step("list prefix", "list_queues", QueueNamePrefix="d")
    s.step("sources", "list_dead_letter_source_queues", QueueUrl=dead)
    for name in ["VisibilityTimeout", "DelaySeconds", "MessageRetentionPeriod", "RedrivePolicy", "QueueArn"]:
        s.step(f"attribute {name}", "get_queue_attributes", AttributeNames=[name], **q)
    s.step("unknown attribute", "get_queue_attributes", AttributeNames=["Nothing"], **q)
    s.step("no policy", "get_queue_attributes", AttributeNames=["Policy"], **q)

    s.step("nothing", "receive_message", **q)
    s.step("send", "send_message", MessageBody="hello", **q)
    s.step("long delay", "send_message", MessageBody="x", DelaySeconds=901, **q)
    got = s.step("receive", "receive_message", MessageSystemAttributeNames=["ApproximateReceiveCount"], **q)
    s.step("hidden", "receive_message", **q)
    receipt = {"ReceiptHandle": got["Messages"][0]["ReceiptHandle"], **q}
    s.step("show", "change_message_visibility", VisibilityTimeout=0, **receipt)
    s.step("too long", "change_message_visibility", VisibilityTimeout=43201, **receipt)
    got = s.step("receive again", "receive_message", MessageSystemAttributeNames=["ApproximateReceiveCount"], **q)
    receipt = {"ReceiptHandle": got["Messages"][0]["ReceiptHandle"], **q}
    s.step("show again", "change_message_visibility", VisibilityTimeout=0, **receipt)
    s.step("too often", "receive_message", **q)
    got = s.step("dead letter", "receive_message", QueueUrl=dead, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    for message in got.get("Messages", []):
        s.step("delete", "delete_message", QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        s.step("delete again", "delete_message", QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
    s.step("bad receipt", "delete_message", ReceiptHandle="x", **q)

    attributes = {"a": text("1"), "n": {"DataType": "Number", "StringValue": "2.5"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}
    s.step("send with attributes", "send_message", MessageBody="ünï 日本 \n\"<&>", MessageAttributes=attributes, **q)
    got = s.step("receive some", "receive_message", MessageAttributeNames=["a"], **q)
    s.step("show some", "change_message_visibility", VisibilityTimeout=0, ReceiptHandle=got["Messages"][0]["ReceiptHandle"], **q)
    got = s.step("receive all", "receive_message", MessageAttributeNames=["All"], **q)
    s.step("delete all", "delete_message", ReceiptHandle=got["Messages"][0]["ReceiptHandle"], **q)
    s.step("bad attribute", "send_message", MessageBody="x", MessageAttributes={"a": {"DataType": "Text", "StringValue": "x"}}, **q)

    s.step("batch", "send_message_batch", Entries=[{"Id": str(i), "MessageBody": f"m{i}"} for i in range(3)], **q)
    s.step("no batch", "send_message_batch", Entries=[], **q)
    s.step("large batch", "send_message_batch", Entries=[{"Id": str(i), "MessageBody": "m"} for i in range(11)], **q)
    s.step("same ids", "send_message_batch", Entries=[{"Id": "a", "MessageBody": "m"}] * 2, **q)
    s.step("eleven", "receive_message", MaxNumberOfMessages=11, **q)
    got = s.client.receive_message(MaxNumberOfMessages=10, **q)
    receipts = [{"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(got["Messages"])]
    s.step("show batch", "change_message_visibility_batch", Entries=[{**one, "VisibilityTimeout": 20} for one in receipts], **q)
    s.step("delete batch", "delete_message_batch", Entries=receipts + [{"Id": "x", "ReceiptHandle": "x"}], **q)
    s.step("counts", "get_queue_attributes", AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"], **q)

    s.step("set", "set_queue_attributes", Attributes={"DelaySeconds": "1"}, **q)
    s.step("delay", "get_queue_attributes", AttributeNames=["DelaySeconds"], **q)
    s.step("set wrong", "set_queue_attributes", Attributes={"DelaySeconds": "-1"}, **q)
    s.step("tag", "tag_queue", Tags={"a": "b", "c": "d"}, **q)
    s.step("untag", "untag_queue", TagKeys=["a"], **q)
    s.step("tags", "list_queue_tags", **q)
    s.step("empty body", "send_message", MessageBody="", **q)
    s.step("purge", "purge_queue", **q)
    s.step("delete queue", "delete_queue", **q)
    s.step("gone", "send_message", MessageBody="x", **q)
    s.step("delete dead", "delete_queue", QueueUrl=dead)
    return s.answers


if __name__ == "__main__":
    main(play, lambda endpoint: Session("sqs", endpoint, IGNORED), KNOWN)
