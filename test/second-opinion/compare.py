"""Plays the same calls on two endpoints and compares what they answer."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Ids, times and hosts differ from one endpoint to the other.
ALWAYS_IGNORED = {"ResponseMetadata"}


class Session:
    """One endpoint; remembers each answer under the name of its step."""

    def __init__(self, service, endpoint, ignored=(), **common):
        self.client = boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="second",
            aws_secret_access_key="opinion",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
        self.endpoint = endpoint
        self.ignored = ALWAYS_IGNORED | set(ignored)
        self.common = common
        self.answers = {}

    def step(self, name, operation, **parameters):
        """Calls with the common parameters filled in, but for those that are None; an error is an answer like any other."""
        try:
            given = {name: value for name, value in {**self.common, **parameters}.items() if value is not None}
            answer = getattr(self.client, operation)(**given)
            self.answers[name] = (answer["ResponseMetadata"]["HTTPStatusCode"], self.normalised(answer))
            return answer
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            self.answers[name] = (status, error.response["Error"]["Code"])
            return {}

    def normalised(self, answer):
        if isinstance(answer, dict):
            return {k: self.normalised(v) for k, v in sorted(answer.items()) if k not in self.ignored}
        if isinstance(answer, list):
            return [self.normalised(one) for one in answer]
        if isinstance(answer, str):
            return answer.replace(self.endpoint, "<endpoint>").replace("000000000000", "<account>").replace("123456789012", "<account>")
        return answer.read() if hasattr(answer, "read") else answer


def compare(ours, theirs, known):
    """Prints one line per difference; answers the exit status: 1 where they disagree unexpectedly."""
    differences = [name for name in ours if ours[name] != theirs[name]]
    for name in differences:
        print(f"{name}: {known.get(name, 'UNEXPECTED')}\n  ours:   {ours[name]}\n  theirs: {theirs[name]}")
    unexpected = [name for name in differences if name not in known]
    for name in known:
        if name not in differences:
            print(f"{name}: they agree now, so it is no known difference any more")
    print(f"{len(ours)} answers compared, {len(differences)} differ, {len(unexpected)} of them unexpectedly")
    return 1 if unexpected or len(differences) < len(known) else 0


def main(play, session, known):
    """Plays on the endpoints named on the command line: the local runtime's first."""
    ours, theirs = (play(session(endpoint)) for endpoint in sys.argv[1:3])
    sys.exit(compare(ours, theirs, known))
