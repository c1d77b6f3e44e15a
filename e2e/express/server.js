// An upstream with Express as it comes: routes ignore case. It prints the
// address that it listens on.
const express = require("express");

const app = express();
app.get("/orgs/:org/secrets", (req, res) => res.json({handler: "orgs", org: req.params.org}));
app.post("/api/agents/:agent/generate", (req, res) => res.json({handler: "generate"}));
app.all("/internal/*rest", (req, res) => res.json({handler: "internal"}));
app.get("/keys/:key", (req, res) => res.json({handler: "keys"}));
app.use((req, res) => res.status(404).json({handler: "none"}));

const server = app.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
