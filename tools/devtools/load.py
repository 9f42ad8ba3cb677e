"""Load generators: how many requests a second a server on one core takes from a client on another."""

import re
import subprocess

from failure import Failure

SERVER_CPU, CLIENT_CPU = "0", "1"


def on_cpu(cpu, argv):
    return ["taskset", "-c", cpu, *map(str, argv)]


def _output(argv):
    done = subprocess.run(on_cpu(CLIENT_CPU, argv), text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{argv[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def h2load(url, requests, body=None):
    """Requests a second over 16 connections with 32 streams each; all must succeed. body: a file with one
    framed gRPC message."""
    argv = ["h2load", "-n", requests, "-c", "16", "-m", "32"]
    if body:
        argv += ["-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers"]
    output = _output([*argv, url])
    succeeded = int(re.search(r"(\d+) succeeded", output).group(1))
    if succeeded != requests:
        raise Failure(f"h2load {url}: only {succeeded} of {requests} succeeded")
    return float(re.search(r"([\d.]+) req/s", output).group(1))


def wrk(url, script, seconds):
    """Requests a second over 32 connections; all answers must be 2xx."""
    output = _output(["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", script, url])
    if "Non-2xx" in output or "Socket errors" in output:
        raise Failure(f"wrk {url}: {output}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
