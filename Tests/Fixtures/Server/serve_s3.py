"""Serves the files of FOLDER as the bucket `images` of an S3 server (moto), with the folder's name in front of their keys.

Usage: serve_s3.py FOLDER open|signed. Prints the port and a pair of credentials, and ends with its standard input.

`open` lets everybody read; `signed` holds every signature against the credentials, as S3 does.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402


def main():
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    url = f"http://127.0.0.1:{port}"
    s3 = boto3.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket="images")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            key = f"{folder.name}/{file.relative_to(folder)}"
            s3.put_object(Bucket="images", Key=key, Body=file.read_bytes(), ACL="public-read")
    iam = boto3.client("iam", endpoint_url=url)
    iam.create_user(UserName="reader")
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(rights))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    if mode == "signed":
        fields = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset-auth", b"0", fields, method="POST"))
    print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
    sys.stdin.read()


main()
