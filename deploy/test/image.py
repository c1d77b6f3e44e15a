#!/usr/bin/env python3
"""image.py OUT NAME:TAG USER ENTRYPOINT FILE=PATH...

Writes an image as "docker save" does, from nothing but files of this machine: for
"ctr images import" and "docker load"."""
import hashlib
import io
import json
import platform
import sys
import tarfile


def add(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def owned_by_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


out, name, user, entrypoint, *files = sys.argv[1:]
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w", dereference=True) as tar:
    for file in files:
        source, path = file.split("=")
        tar.add(source, path.lstrip("/"), filter=owned_by_root)
digest = hashlib.sha256(layer.getvalue()).hexdigest()
architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
config = json.dumps({
    "architecture": architecture, "os": "linux", "config": {"Entrypoint": [entrypoint], "User": user},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]},
}).encode()
config_name = hashlib.sha256(config).hexdigest() + ".json"
manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
with tarfile.open(out, "w") as tar:
    add(tar, config_name, config)
    add(tar, "layer.tar", layer.getvalue())
    add(tar, "manifest.json", json.dumps(manifest).encode())
