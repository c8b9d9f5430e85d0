"""Runs one SQL file over Parquet files of the lake: the Glue job of customer features.

What is computed is in the SQL file alone, and what it is computed from in the input, which names the files of each
view. So the same arguments always give the same rows, whatever was published since, and running again replaces the
folder of the first run.

Arguments, each an s3:// address or, off AWS, a path or file:// address:
  --sql          the query
  --input        JSON: {"run": {name: value}, "views": {name: {"columns": [{"name", "type"}], "files": [address]}}}
  --output       folder that the result replaces, as Parquet
  --columns      names of the result's columns in their order, with commas between

`run` becomes a view of one row; of its values, those whose name ends in `_at` are instants in ISO 8601. Types are those
of Spark SQL. A column that a file lacks is null: it was added to the dataset later.
"""

import argparse
import json
import sys
from urllib.parse import unquote, urlparse

from pyspark.sql import DataFrame, SparkSession

ROWS_PER_FILE = 100_000


def read_text(address: str) -> str:
    """Text of an object or file."""
    place = urlparse(address)
    if place.scheme == "s3":
        import boto3  # On Glue; nothing that runs off AWS needs it.

        body = boto3.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"]
        return body.read().decode("utf-8")
    with open(unquote(place.path), encoding="utf-8") as file:
        return file.read()


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def view_of(spark: SparkSession, view: dict) -> DataFrame:
    """The rows of a view's files: the columns that are asked for, and no others."""
    schema = ", ".join(f"{quoted(column['name'])} {column['type']}" for column in view["columns"])
    if not view["files"]:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(*view["files"])


def run_of(spark: SparkSession, values: dict) -> DataFrame:
    """The view `run`: one row."""
    types = {name: "TIMESTAMP" if name.endswith("_at") else "STRING" for name in values}
    literals = ", ".join(f"CAST(:{name} AS {type}) AS {quoted(name)}" for name, type in types.items())
    return spark.sql(f"SELECT {literals}", args=values)


def compute(spark: SparkSession, sql: str, job_input: dict) -> DataFrame:
    run_of(spark, job_input["run"]).createOrReplaceTempView("run")
    for name, view in job_input["views"].items():
        view_of(spark, view).createOrReplaceTempView(name)
    return spark.sql(sql)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("sql", "input", "output", "columns"):
        parser.add_argument(f"--{name}", required=True)
    # Glue adds arguments of its own.
    options, _ = parser.parse_known_args(arguments)

    # Whoever publishes the result looks for the mark of a whole one.
    marks = "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs"
    spark = SparkSession.builder.appName("crm-features").config(marks, "true").getOrCreate()
    settings = {
        "spark.sql.session.timeZone": "UTC",
        # What Spark writes by itself, INT96, is read by few.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.compression.codec": "snappy",
        "spark.sql.files.maxRecordsPerFile": str(ROWS_PER_FILE),
        # A value that does not fit its type is a failure, never a null.
        "spark.sql.ansi.enabled": "true",
        # A file that was there when the run was planned has to be there.
        "spark.sql.files.ignoreMissingFiles": "false",
    }
    for name, value in settings.items():
        spark.conf.set(name, value)

    result = compute(spark, read_text(options.sql), json.loads(read_text(options.input)))
    expected = options.columns.split(",")
    if result.columns != expected:
        raise ValueError(f"The query gives {', '.join(result.columns)}; expected {', '.join(expected)}")
    # In one partition, whose files follow each other as the rows do.
    result.coalesce(1).write.mode("overwrite").parquet(options.output)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
