"""Runs the job for each list of arguments in a JSON file, in one Spark session: `run_many.py <script folder> <file>`."""

import json
import sys

sys.path.insert(0, sys.argv[1])
import crm_features  # noqa: E402

with open(sys.argv[2], encoding="utf-8") as file:
    for arguments in json.load(file):
        crm_features.main(arguments)
