"""Runs the same DynamoDB calls against two endpoints and compares what they answer.

    python3 dynamodb.py http://127.0.0.1:4566 http://127.0.0.1:5000
"""

from compare import Session, main

TABLE = "second-opinion"
IGNORED = {
    "CreationDateTime", "TableId", "TableArn", "IndexArn", "LatestStreamArn", "LatestStreamLabel", "TableSizeBytes",
    "IndexSizeBytes", "ItemCount", "ConsumedCapacity", "ProvisionedThroughput", "LastUpdateToPayPerRequestDateTime",
    "TableStatus", "IndexStatus", "LocalSecondaryIndexes", "WarmThroughput", "DeletionProtectionEnabled", "TableClassSummary",
}  # fmt: skip

# Where moto 5.2 is known to be the one that differs from AWS.
KNOWN = {
    "get": "moto keeps the zeros at the end of a number",
    "put old": "moto keeps the zeros at the end of a number",
    "query no index": "moto answers ResourceNotFoundException; AWS documents ValidationException",
    "batch write": "moto adds metrics that were not asked for",
}


def item(pk, sk, **others):
    return {"pk": {"S": pk}, "sk": {"S": sk}, **others}


def play(s):
    s.step(
        "create",
        "create_table",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ["pk", "sk", "name"]],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-name",
                "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    s.client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    s.step("create again", "create_table", AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
           KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST")  # fmt: skip
    s.step("none", "get_item", Key=item("a", "1"))
    s.step("no such table", "get_item", TableName="none", Key=item("a", "1"))
    s.step("wrong key", "get_item", Key={"pk": {"S": "a"}})

    everything = {
        "s": {"S": "ünï 日本"}, "n": {"N": "12.50"}, "b": {"B": b"\x00\xff"}, "t": {"BOOL": True}, "z": {"NULL": True},
        "l": {"L": [{"S": "x"}, {"N": "1"}]}, "m": {"M": {"a": {"S": "b"}}}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]},
    }  # fmt: skip
    s.step("put", "put_item", Item=item("a", "1", name={"S": "n"}, **everything))
    s.step("get", "get_item", Key=item("a", "1"))
    s.step("project", "get_item", Key=item("a", "1"), ProjectionExpression="#n, l[0], m.a", ExpressionAttributeNames={"#n": "name"})
    s.step("put old", "put_item", Item=item("a", "1", name={"S": "n"}, count={"N": "1"}), ReturnValues="ALL_OLD")
    unless = {"ConditionExpression": "attribute_not_exists(pk)"}
    s.step("put if new", "put_item", Item=item("a", "2", name={"S": "n"}), **unless)
    s.step("put if not new", "put_item", Item=item("a", "2", name={"S": "n"}), **unless)
    s.step("no key", "put_item", Item={"pk": {"S": "a"}})
    s.step("empty key", "put_item", Item=item("", "1"))

    names = {"ExpressionAttributeNames": {"#c": "count"}}
    one = {"ExpressionAttributeValues": {":one": {"N": "1"}}}
    s.step("add", "update_item", Key=item("a", "1"), UpdateExpression="ADD #c :one", ReturnValues="ALL_NEW", **names, **one)
    s.step("set", "update_item", Key=item("a", "1"), UpdateExpression="SET #c = #c + :one, x = if_not_exists(x, :one)", ReturnValues="UPDATED_NEW", **names, **one)
    s.step("upsert", "update_item", Key=item("b", "1"), UpdateExpression="SET x = :one", ReturnValues="ALL_NEW", **one)
    s.step("condition", "update_item", Key=item("a", "1"), UpdateExpression="SET x = :one", ConditionExpression="x > :one OR attribute_not_exists(x)", **one)
    s.step("remove", "update_item", Key=item("a", "1"), UpdateExpression="REMOVE x", ReturnValues="ALL_NEW")
    s.step("append", "update_item", Key=item("a", "1"), UpdateExpression="SET l = list_append(if_not_exists(l, :none), :some)", ReturnValues="ALL_NEW",
           ExpressionAttributeValues={":none": {"L": []}, ":some": {"L": [{"S": "x"}]}})  # fmt: skip
    s.step("unused value", "update_item", Key=item("a", "1"), UpdateExpression="REMOVE x", **one)
    s.step("reserved word", "update_item", Key=item("a", "1"), UpdateExpression="SET count = :one", **one)
    s.step("bad expression", "update_item", Key=item("a", "1"), UpdateExpression="SET", **one)
    s.step("key update", "update_item", Key=item("a", "1"), UpdateExpression="SET sk = :one", ExpressionAttributeValues={":one": {"S": "2"}})

    for n in range(3, 8):
        s.client.put_item(TableName=TABLE, Item=item("a", str(n), name={"S": "other"}, n={"N": str(n)}))
    a = {":a": {"S": "a"}}
    s.step("query", "query", KeyConditionExpression="pk = :a", ExpressionAttributeValues=a)
    s.step("query back", "query", KeyConditionExpression="pk = :a", ExpressionAttributeValues=a, ScanIndexForward=False, Limit=2)
    s.step("query between", "query", KeyConditionExpression="pk = :a AND sk BETWEEN :x AND :y",
           ExpressionAttributeValues={**a, ":x": {"S": "3"}, ":y": {"S": "5"}})  # fmt: skip
    s.step("query prefix", "query", KeyConditionExpression="pk = :a AND begins_with(sk, :x)", ExpressionAttributeValues={**a, ":x": {"S": "4"}})
    s.step("query filter", "query", KeyConditionExpression="pk = :a", FilterExpression="n >= :n", ExpressionAttributeValues={**a, ":n": {"N": "6"}})
    s.step("query count", "query", KeyConditionExpression="pk = :a", ExpressionAttributeValues=a, Select="COUNT")
    page = s.step("query page", "query", KeyConditionExpression="pk = :a", ExpressionAttributeValues=a, Limit=3)
    s.step("query next", "query", KeyConditionExpression="pk = :a", ExpressionAttributeValues=a, ExclusiveStartKey=page["LastEvaluatedKey"])
    s.step("query index", "query", IndexName="by-name", KeyConditionExpression="#n = :n", ExpressionAttributeNames={"#n": "name"},
           ExpressionAttributeValues={":n": {"S": "other"}})  # fmt: skip
    s.step("query no index", "query", IndexName="none", KeyConditionExpression="pk = :a", ExpressionAttributeValues=a)
    s.step("query without key", "query", KeyConditionExpression="sk = :a", ExpressionAttributeValues=a)

    s.step("delete", "delete_item", Key=item("a", "7"), ReturnValues="ALL_OLD")
    s.step("delete none", "delete_item", Key=item("a", "7"), ReturnValues="ALL_OLD")
    s.step("delete if", "delete_item", Key=item("a", "6"), ConditionExpression="n = :n", ExpressionAttributeValues={":n": {"N": "5"}})
    batch = {"PutRequest": {"Item": item("c", "1")}}
    s.step("batch write", "batch_write_item", TableName=None, RequestItems={TABLE: [batch, {"DeleteRequest": {"Key": item("a", "6")}}]})
    s.step("batch twice", "batch_write_item", TableName=None, RequestItems={TABLE: [batch, batch]})
    s.step("batch get", "batch_get_item", TableName=None, RequestItems={TABLE: {"Keys": [item("c", "1"), item("d", "1")]}})
    s.step("describe", "describe_table")
    s.client.delete_table(TableName=TABLE)
    s.client.get_waiter("table_not_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    s.step("gone", "describe_table")
    return s.answers


if __name__ == "__main__":
    main(play, lambda endpoint: Session("dynamodb", endpoint, IGNORED, TableName=TABLE), KNOWN)
