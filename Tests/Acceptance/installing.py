"""The built package in a clean system, and the rights of a service."""

import os
import pathlib
import re
import shutil
import subprocess

from bench import BINARY, ROOT, Skipped, expect, expect_sound, item


@item
def package(bench):
    """A clean Debian 12 with only the package and its dependencies follows docs/getting-started.md word for word."""
    if not shutil.which("mmdebstrap"):
        raise Skipped("there is no mmdebstrap")
    built = subprocess.run([ROOT / "scripts/package", bench.work], capture_output=True, text=True,
                           env={**os.environ, "REKKORD_BINARY": os.path.realpath(BINARY)})
    expect(built.returncode == 0, built.stderr)
    package = pathlib.Path(built.stdout.splitlines()[-1].removeprefix("Built "))
    archive = bench.work / "system.tar"
    # The mirror of this machine, by the way that this machine has to it.
    made = subprocess.run(["mmdebstrap", "--variant=apt", "--quiet", "bookworm", archive, "/etc/apt/sources.list.d/debian.sources"],
                          capture_output=True, text=True)
    expect(made.returncode == 0, made.stderr[-500:])
    document = (ROOT / "docs/getting-started.md").read_text()
    examples = re.findall(r"^```sh\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    expect(len(examples) > 7, "the page has lost its examples")
    script = bench.work / "script"
    script.write_text("set -eux\nexport DEBIAN_FRONTEND=noninteractive\ncd /root\n" + "\n".join(examples))
    # Mounts of its own, which end with it.
    result = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-euc", """
        mkdir "$1/system"
        tar -C "$1/system" -xpf "$2" --exclude=./dev/*
        mount --rbind /dev "$1/system/dev"
        mount -t proc proc "$1/system/proc"
        cp /etc/resolv.conf "$1/system/etc/resolv.conf"
        cp "$3" "$1/script" "$1/system/root"
        cp -r /etc/apt/apt.conf.d "$1/system/etc/apt"
        chroot "$1/system" apt-get -qq update
        exec chroot "$1/system" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /root/script
        """, "sh", str(bench.work), str(archive), str(package)], capture_output=True, text=True, errors="replace")
    expect(result.returncode == 0, f"status {result.returncode}: {result.stderr[-800:]}")
    expect("No stale channels" in result.stderr, result.stderr[-300:])
    return f"{package.name}, {package.stat().st_size / 1e6:.1f} MB"


@item
def system_calls(bench):
    """The services allow each system call that a save makes, and a save needs no more rights than they give."""
    if not shutil.which("strace") or not shutil.which("systemd-analyze"):
        raise Skipped("there is no strace or no systemd-analyze")
    # As the units say; the database of the cache gives its files to their owner.
    allowed = call_set("@system-service") - call_set("@privileged") | call_set("@chown")
    trace = bench.work / "trace"
    source = "/etc"
    rights = ["setpriv", "--no-new-privs", "--bounding-set", "-all,+dac_read_search", "--inh-caps", "-all"]
    command = ["strace", "-f", "-qq", "-o", str(trace), *rights,
               *bench.command("save", "-m", "XAttrs,ATime", "calls", source, key="WriteOnly.key")]
    result = subprocess.run(command, env=bench.environment, capture_output=True, text=True)
    expect(result.returncode == 0 and not result.stderr, f"status {result.returncode}: {result.stderr}")
    used = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    expect(len(used) > 20, "strace saw nothing")
    # Before the program starts, setpriv drops rights.
    refused = used - allowed - {"capset"}
    expect(not refused, f"not allowed: {sorted(refused)}")
    expect_sound(bench)
    return f"{len(used)} calls"


def call_set(name):
    """The system calls in a set of systemd, those of sets in it included."""
    listing = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True, check=True)
    names = [line.strip() for line in listing.stdout.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return {call for name in names for call in (call_set(name) if name.startswith("@") else [name])}
