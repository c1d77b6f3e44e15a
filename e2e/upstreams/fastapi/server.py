"""A FastAPI behind Envoy and kinde-authz. It prints the address that it listens on."""

import os
import socket
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from identity import require_identity

Identity = Annotated[dict, Depends(require_identity(os.environ["ASSERTION_JWKS"], os.environ["ASSERTION_AUDIENCE"]))]

app = FastAPI()


@app.get("/api/whoami")
def whoami(identity: Identity) -> dict:
    return identity


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(os.environ.get("PORT", "0"))))
    print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
