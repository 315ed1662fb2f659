"""What can happen to a call of the program, and running the program so that it happens at the n-th one."""

import errno
import os
import pathlib
import resource
import shutil
import struct
import subprocess
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / ".build"
# Builds with a sanitizer on a busy machine take their time; a program that hangs is a finding.
COMMAND_TIMEOUT = 120
KIB, MIB = 1 << 10, 1 << 20
REPORT_SIZE = 16 + 16 + 4096

CHANGES = "write,create,mkdir,rename,link,symlink,unlink,rmdir,truncate,fsync,syncfs,chmod,chown,utimens,setxattr,send"


@dataclass(frozen=True)
class Fault:
    name: str
    calls: str
    action: str
    is_lasting: bool = False
    # Nobody may notice: calls are to be repeated.
    is_harmless: bool = False
    # Instead of calls that fail: a limit of the process, and the values that it gets.
    resource: int = 0
    limits: tuple = ()
    # Who gets no memory may end on the spot; a kill comes to the same.
    may_crash: bool = False

    @property
    def kills(self):
        return self.action in ("kill", "tear")


def _errno(name, calls, **options):
    code = str(getattr(errno, name.partition("-")[0]))
    return Fault(name, calls, code, is_lasting=name.endswith("-lasting"), **options)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill", CHANGES, "kill"),
        # Instead of a transfer with the kernel, so that requests stay without an answer.
        Fault("kill-device", "device", "kill"),
        Fault("tear", "write,send", "tear"),
        _errno("ENOSPC", "write,create,mkdir,rename,link,symlink,truncate,fsync,syncfs,close,setxattr"),
        _errno("ENOSPC-lasting", "write,create,mkdir,rename,link,symlink,truncate,fsync,syncfs,setxattr"),
        _errno("EIO", "open,create,read,write,list,stat,mkdir,rename,link,unlink,truncate,fsync,syncfs,close,readlink,getxattr,utimens,chmod"),
        _errno("EIO-lasting", "read,write,fsync,syncfs,close"),
        _errno("EMFILE", "open,create,socket"),
        _errno("EMFILE-lasting", "open,create,socket"),
        _errno("EACCES", "open,create,list,stat,mkdir,rename,link,symlink,unlink,rmdir,truncate,chmod,chown,utimens"),
        _errno("EAGAIN", "thread"),
        _errno("EINTR", "open,create,read,write,fsync,syncfs", is_harmless=True),
        Fault("short", "read,write,send,receive", "short", is_harmless=True),
        _errno("ECONNRESET", "send,receive", is_harmless=True),
        _errno("ENETUNREACH", "connect", is_harmless=True),
        _errno("EPIPE", "print"),
        Fault("NOFILE", "", "limit", resource=resource.RLIMIT_NOFILE, limits=tuple(range(3, 43))),
        Fault("FSIZE", "", "limit", resource=resource.RLIMIT_FSIZE, limits=(*range(0, KIB // 2, 8), *range(KIB // 2, 64 * KIB, KIB // 2))),
        Fault("AS", "", "limit", resource=resource.RLIMIT_AS, limits=tuple(range(16 * MIB, 400 * MIB, 4 * MIB)), may_crash=True),
    )
}


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: bytes
    stderr: str
    count: int
    # The call that was struck and its path; None when the run had fewer calls, or a limit that it did not reach.
    victim: tuple | None


def interposer():
    """Builds the library when it is missing or older than its source."""
    source, library = HERE / "interposer.c", BUILD / "torture-interposer.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        fresh = library.with_suffix(f".{os.getpid()}")
        compiler = shutil.which("cc") or "clang"  # which comes with Swift
        command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", fresh, source, "-ldl"]
        subprocess.run(command, check=True)
        fresh.rename(library)
    return library


class Report:
    """What the interposer counted, in a file that both map."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(REPORT_SIZE))

    def read(self):
        return self.last(self.path)

    @staticmethod
    def last(path):
        """(count, the call that was struck or None) of the run that wrote this file."""
        content = path.read_bytes()
        count, struck = struct.unpack_from("<QQ", content)
        call, path = (part.split(b"\0")[0] for part in (content[16:32], content[32:]))
        return count, (call.decode(), os.fsdecode(path)) if struck else None


def outcome(fault, report, status, stdout, stderr):
    """What became of a run. Of a limit it may only tell: not every call that fails for one is seen."""
    count, victim = report.read()
    if victim is None and fault is not None and fault.limits and (status != 0 or "rekkord: " in stderr):
        victim = ("limit", "")
    return Outcome(status, stdout, stderr, count, victim)


def interposed(environment, report, fault=None, at=0, **more):
    """The environment in which the program meets `fault` at its `at`-th call."""
    result = environment | {
        "LD_PRELOAD": str(interposer()),
        "TORTURE_PROGRAM": "rekkord",
        "TORTURE_REPORT": str(report.path),
        # Sanitizers like to come first.
        "ASAN_OPTIONS": environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        **more,
    }
    if fault is not None and fault.limits:
        if 1 <= at <= len(fault.limits):
            result["TORTURE_LIMIT"] = f"{fault.resource}:{fault.limits[at - 1]}"
    elif fault is not None:
        result |= {"TORTURE_CALLS": fault.calls, "TORTURE_AT": str(at), "TORTURE_ACTION": fault.action}
        if fault.is_lasting:
            result["TORTURE_LASTING"] = "1"
    return result


def finished(command, environment):
    """Runs a program to its end; a hang is a subprocess.TimeoutExpired that tells what the threads wait for."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        try:
            stdout, stderr = process.communicate(timeout=COMMAND_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            error.cmd = f"{' '.join(map(str, command))} [{waits(process.pid)}]"
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def waits(pid):
    """Name, state, time on a processor in ticks, and place in the kernel of each thread: hung, or never its turn?"""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name, _, rest = task.joinpath("stat").read_text().partition("(")[2].rpartition(")")
        fields = rest.split()
        found.append(f"{name}: {fields[0]} {fields[11]}+{fields[12]} {task.joinpath('wchan').read_text()}")
    return ", ".join(found)


def run(command, environment, scratch, fault=None, at=0, **more):
    """Runs the program so that it meets a fault, to its end."""
    report = Report(scratch / "report")
    result = finished(command, interposed(environment, report, fault, at, **more))
    return outcome(fault, report, result.returncode, result.stdout, result.stderr.decode("utf-8", "replace"))
