// Makes calls of the official client, one a line of the input as JSON, and writes their answers.
const { AuditApi, Configuration } = require("@daytonaio/api-client");

const ARGUMENTS = [
  "page", "limit", "from", "to", "nextToken", "id", "actorId", "actorEmail", "actorApiKeyPrefix",
  "actorApiKeySuffix", "action", "targetType", "targetId", "statusCode", "createdAt",
];

async function answer(call) {
  const api = new AuditApi(
    new Configuration({
      basePath: call.host,
      accessToken: call.token,
      baseOptions: { validateStatus: () => true },
    }),
  );
  if (call.scenarios) {
    // By itself the client sends no key with this request.
    const headers = { Authorization: `Bearer ${call.token}` };
    const found = await api.getAuditScenarios({ headers });
    return { status: found.status, body: found.data };
  }
  const given = call.arguments ?? {};
  const values = ARGUMENTS.map((name) =>
    name === "from" || name === "to"
      ? given[name] && new Date(given[name])
      : given[name],
  );
  const found = await api.getOrganizationAuditLogs(call.organization, ...values);
  return { status: found.status, body: found.data };
}

(async () => {
  const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
  for (const line of lines) {
    const call = JSON.parse(line);
    if (!call.walk) {
      process.stdout.write(JSON.stringify(await answer(call)) + "\n");
      continue;
    }
    // All pages by their next tokens: the ids only.
    const ids = [];
    let nextToken;
    do {
      const { status, body } = await answer({ ...call, arguments: { ...call.arguments, nextToken } });
      if (status !== 200) throw new Error(JSON.stringify(body));
      ids.push(...body.items.map((item) => item.id));
      nextToken = body.nextToken;
    } while (nextToken);
    process.stdout.write(JSON.stringify({ status: 200, body: ids }) + "\n");
  }
})();
