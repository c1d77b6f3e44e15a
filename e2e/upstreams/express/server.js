// An Express behind Envoy and kinde-authz. It prints the address that it listens on.
import express from "express";
import {requireIdentity} from "./identity.js";

const app = express();
app.use(requireIdentity({jwks: process.env.ASSERTION_JWKS, audience: process.env.ASSERTION_AUDIENCE}));
app.get("/api/whoami", (req, res) => res.json(req.identity));

const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
