// A Mastra server behind Envoy and kinde-authz. It prints the address that it listens on.
import express from "express";
import {Mastra} from "@mastra/core";
import {Agent} from "@mastra/core/agent";
import {registerApiRoute} from "@mastra/core/server";
import {InMemoryStore} from "@mastra/core/storage";
import {MastraServer} from "@mastra/express";
import {Memory} from "@mastra/memory";
import {identityVerifier} from "../express/identity.js";
import {KindeAuthProvider} from "./provider.js";

const verify = identityVerifier({jwks: process.env.ASSERTION_JWKS, audience: process.env.ASSERTION_AUDIENCE});
const storage = new InMemoryStore();
const weather = new Agent({
  id: "weather",
  name: "weather",
  instructions: "Tell the weather.",
  model: "openai/gpt-4o-mini", // is not asked in the tests
  memory: new Memory({storage}),
});
const auth = new KindeAuthProvider(verify);
const whoami = registerApiRoute("/whoami", {
  method: "GET",
  handler: (c) => c.json(c.get("requestContext").get("user")),
});
const mastra = new Mastra({agents: {weather}, storage, logger: false, server: {auth, apiRoutes: [whoami]}});

const app = express();
app.use(express.json());
await new MastraServer({app, mastra}).init();
const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
