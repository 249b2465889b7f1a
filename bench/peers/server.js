// @tus/server as its documentation starts it, beside which the vault is measured: `node server.js <port> <folder>`, or with the
// S3 server's address, bucket and keys in S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY.

import { FileStore } from "@tus/file-store";
import { S3Store } from "@tus/s3-store";
import { Server } from "@tus/server";

const [port, directory] = process.argv.slice(2);
const { S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY } = process.env;

const datastore = S3_ENDPOINT
  ? new S3Store({
      s3ClientConfig: {
        bucket: S3_BUCKET,
        region: "us-east-1",
        endpoint: S3_ENDPOINT,
        forcePathStyle: true,
        credentials: { accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY },
      },
    })
  : new FileStore({ directory });

new Server({ path: "/files", datastore }).listen({ host: "127.0.0.1", port: Number(port) });
