"""Runs the same S3 calls against two endpoints and compares what they answer.

    python3 s3.py http://127.0.0.1:4566 http://127.0.0.1:5000

The first is the local runtime, the second another implementation, such as `moto_server`. Exit status 1 and one line
per difference where they disagree; ids, times and hosts are not compared.
"""

from compare import Session, main

BUCKET = "second-opinion"
# Answers that differ from one run to the next, or that only one side has reason to give.
IGNORED = {
    "VersionId", "LastModified", "UploadId", "Owner", "Initiator", "Initiated", "Location",
    "ServerSideEncryption", "ChecksumAlgorithm", "ChecksumType", "NextContinuationToken", "ContinuationToken",
    "RequestCharged", "NextVersionIdMarker", "CopySourceVersionId", "ChecksumCRC64NVME", "ChecksumCRC32",
    "BucketRegion", "EncodingType",
}  # fmt: skip

# Where moto 5.2 is known to be the one that differs from AWS.
KNOWN = {
    "wrong md5": "moto does not verify Content-MD5",
    "marker": "moto answers NoSuchVersion; AWS documents 405 MethodNotAllowed",
    "unhide": "moto leaves x-amz-delete-marker out",
    "list v1": "moto leaves an empty Marker and Prefix out",
    "list uploads": "moto leaves an empty Prefix out",
    "empty": "moto ignores Quiet",
}


def play(s):
    s.step("create", "create_bucket")
    s.step("head bucket", "head_bucket")
    s.step("no policy", "get_bucket_policy")
    s.step("no lifecycle", "get_bucket_lifecycle_configuration")
    s.step("no tags", "get_bucket_tagging")
    s.step("versioning off", "get_bucket_versioning")
    s.step("missing", "get_object", Key="none")
    s.step("missing head", "head_object", Key="none")

    for key in ["a b+c", "dir/1", "dir/2", "dir//3", "dir/sub/4", "ünï/日本", "100%", "<&>'\"", "z/"]:
        s.step(f"put {key}", "put_object", Key=key, Body=key.encode(), Metadata={"k": "v"}, ContentType="text/plain")
        s.step(f"get {key}", "get_object", Key=key)
    s.step("list", "list_objects_v2")
    s.step("list v1", "list_objects")
    s.step("list prefix", "list_objects_v2", Prefix="dir/")
    s.step("list delimiter", "list_objects_v2", Delimiter="/")
    s.step("list below", "list_objects_v2", Prefix="dir/", Delimiter="/")
    s.step("list after", "list_objects_v2", StartAfter="dir/2")
    page = s.step("list page", "list_objects_v2", MaxKeys=2)
    s.step("list next page", "list_objects_v2", MaxKeys=2, ContinuationToken=page.get("NextContinuationToken", ""))
    s.step("list none", "list_objects_v2", Prefix="nothing")

    for text in ["bytes=0-1", "bytes=2-", "bytes=-2", "bytes=1-99", "bytes=99-"]:
        s.step(f"range {text}", "get_object", Key="dir/1", Range=text)

    etag = s.step("head", "head_object", Key="dir/1").get("ETag", "")
    s.step("if-match", "get_object", Key="dir/1", IfMatch=etag)
    s.step("if-match other", "get_object", Key="dir/1", IfMatch='"other"')
    s.step("if-none-match", "get_object", Key="dir/1", IfNoneMatch=etag)
    s.step("put if-none-match", "put_object", Key="dir/1", Body=b"x", IfNoneMatch="*")
    s.step("put new if-none-match", "put_object", Key="new", Body=b"x", IfNoneMatch="*")
    s.step("wrong md5", "put_object", Key="md5", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")

    s.step("tag", "put_object_tagging", Key="dir/1", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s.step("tags", "get_object_tagging", Key="dir/1")
    s.step("untag", "delete_object_tagging", Key="dir/1")
    s.step("copy", "copy_object", Key="copy", CopySource={"Bucket": BUCKET, "Key": "a b+c"})
    s.step("copied", "get_object", Key="copy")
    s.step("copy to itself", "copy_object", Key="copy", CopySource={"Bucket": BUCKET, "Key": "copy"})
    s.step("copy of nothing", "copy_object", Key="copy", CopySource={"Bucket": BUCKET, "Key": "none"})

    upload = s.step("create upload", "create_multipart_upload", Key="parts").get("UploadId", "")
    common = {"Key": "parts", "UploadId": upload}
    parts = []
    for number, body in [(1, b"a" * 5 * 1024 * 1024), (2, b"b" * 10)]:
        part = s.step(f"part {number}", "upload_part", PartNumber=number, Body=body, **common)
        parts.append({"PartNumber": number, "ETag": part.get("ETag", "")})
    s.step("list parts", "list_parts", **common)
    s.step("list uploads", "list_multipart_uploads")
    s.step("wrong order", "complete_multipart_upload", MultipartUpload={"Parts": parts[::-1]}, **common)
    s.step("complete", "complete_multipart_upload", MultipartUpload={"Parts": parts}, **common)
    s.step("whole", "head_object", Key="parts")
    s.step("abort unknown", "abort_multipart_upload", Key="parts", UploadId="unknown")

    s.step("enable", "put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    first = s.step("v1", "put_object", Key="v", Body=b"one").get("VersionId", "")
    s.step("v2", "put_object", Key="v", Body=b"two")
    marker = s.step("hide", "delete_object", Key="v").get("VersionId", "")
    s.step("hidden", "get_object", Key="v")
    s.step("marker", "get_object", Key="v", VersionId=marker)
    s.step("old", "get_object", Key="v", VersionId=first)
    s.step("null", "get_object", Key="dir/1", VersionId="null")
    s.step("versions", "list_object_versions", Prefix="v")
    s.step("unhide", "delete_object", Key="v", VersionId=marker)
    s.step("shown", "get_object", Key="v")

    s.step("not empty", "delete_bucket")
    versions = s.client.list_object_versions(Bucket=BUCKET)
    every = [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for one in versions.get("Versions", []) + versions.get("DeleteMarkers", [])
    ]
    s.step("empty", "delete_objects", Delete={"Objects": every, "Quiet": True})
    s.step("delete", "delete_bucket")
    s.step("gone", "list_objects_v2")
    return s.answers


if __name__ == "__main__":
    main(play, lambda endpoint: Session("s3", endpoint, IGNORED, Bucket=BUCKET), KNOWN)
