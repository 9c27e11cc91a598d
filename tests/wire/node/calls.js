"use strict";
/* Key calls by the vendor's Node SDK. It is told on stdin whom to ask and as whom, and writes what
 * it got to the file named there, since the SDK logs to stdout. The options of a request are those
 * that the SDK's generated clients build. */
const { ClientBuilder } = require("@huaweicloud/huaweicloud-sdk-core/ClientBuilder");
const {
  GlobalCredentials,
} = require("@huaweicloud/huaweicloud-sdk-core/auth/GlobalCredentials");

const fs = require("fs");

const told = JSON.parse(fs.readFileSync(0, "utf8"));

const credentials = new GlobalCredentials()
  .withAk(told.access)
  .withSk(told.secret)
  .withDomainId(told.domain_id);
const client = new ClientBuilder((hcClient) => hcClient, "GlobalCredentials")
  .withCredential(credentials)
  .withEndpoint(told.gateway)
  .build();

async function call(one) {
  const options = {
    method: one.method,
    url: one.path,
    contentType: "application/json",
    queryParams: one.query || {},
    pathParams: one.path_params || {},
    headers: { ...(one.headers || {}) },
  };
  if (one.body) {
    options.data = one.body;
  }
  try {
    return await client.sendRequest(options);
  } catch (error) {
    return { refused: error.httpStatusCode, code: error.errorCode, message: error.errorMsg };
  }
}

(async () => {
  const answers = [];
  for (const one of told.calls) {
    answers.push(await call(one));
  }
  fs.writeFileSync(told.answers, JSON.stringify(answers));
})();
