# moto: an SQS server that checks keys, signatures and what their user may do.
# Not faithful: refused keys are answered in XML, FIFO queues give no sequence numbers, characters are not checked.

service_install() { install_python_packages; }

service_start() {
  local port
  port=$(free_ports 1)
  # The first requests need no keys: they make the users.
  launch "curl -sf -o /dev/null -m 1 http://127.0.0.1:$port/moto-api/" \
    env INITIAL_NO_AUTH_ACTION_COUNT=5 "$programs_dir/sqs/bin/python" -c "$moto_server" -H 127.0.0.1 -p "$port"
  make_users "http://127.0.0.1:$port" >"$env_file" || { do_stop sqs; die "moto made no users, see above"; }
}

make_users() {
  "$programs_dir/sqs/bin/python" - "$1" <<'PYTHON'
import json, sys
import boto3

endpoint = sys.argv[1]
iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")

def user(name, *actions):
    iam.create_user(UserName=name)
    if actions:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=name, PolicyName="tests", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]

access, secret = user("vault", "sqs:*")
stranger, stranger_secret = user("stranger")
print(f"""VAULT_TEST_SQS_ENDPOINT={endpoint}
VAULT_TEST_SQS_ACCESS_KEY={access}
VAULT_TEST_SQS_SECRET_KEY={secret}
VAULT_TEST_SQS_STRANGER_ACCESS_KEY={stranger}
VAULT_TEST_SQS_STRANGER_SECRET_KEY={stranger_secret}
VAULT_TEST_SQS_PYTHON={sys.executable}""")
PYTHON
}

# A script's first line would hold the path of its Python, which the kernel cuts off when it is long.
moto_server='import sys; from moto.server import main; main(sys.argv[1:])'
