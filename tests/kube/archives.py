"""An image in an archive as `docker save` writes it, from one program and nothing else."""

import hashlib
import io
import json
import tarfile
from pathlib import Path


def of_one_program(program: Path, tag: str, target: Path) -> None:
    """Write an image that runs the program as nobody."""
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65534:65534"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
    }
    written = json.dumps(config).encode()
    names = {"Config": f"{_digest(written)}.json", "Layers": [f"{_digest(layer)}/layer.tar"]}
    manifest = json.dumps([{**names, "RepoTags": [tag]}]).encode()
    files = {names["Config"]: written, names["Layers"][0]: layer, "manifest.json": manifest}
    target.write_bytes(_tar({str(name): content for name, content in files.items()}))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()
