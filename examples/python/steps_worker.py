"""A worker without an SDK: durable steps over plain HTTP, as docs/spec/x-steps.md describes them."""
import json
import os
import uuid
from itertools import count

import httpx

WORKER = str(uuid.uuid4())
server = httpx.Client(base_url=os.environ.get("OJS_BACKEND_URL", "http://localhost:8080") + "/ojs/v1", timeout=60)


class Suspended(BaseException):
    """Leaves the handler, even one with `except Exception`."""


class Steps:
    def __init__(self, job):
        self.job = {"job_id": job["id"], "x_lease": job["x_lease"], "worker_id": WORKER}
        found = job.get("x_steps", {"rows": []})
        rows, after = found["rows"], 0 if found.get("more") else None
        while after is not None:
            page = get(f"/jobs/{job['id']}/steps", after=after)
            rows, after = rows + page["steps"], page["next"]
        self.rows = {row["name"]: row for row in rows}
        self.numbers = count(1 + max((row["number"] for row in rows), default=0))

    def step(self, name, run):
        """Returns the recorded value. A crash may repeat the function, so it gets a key."""
        row = self.rows.get(name)
        if row is None:
            value = run(f"{self.job['job_id']}/{name}")
            row = self.record(name, "run", number=next(self.numbers), value=value)
        elif "bytes" in row:
            row = get(f"/jobs/{self.job['job_id']}/steps", names=json.dumps([name]), values="all")["steps"][0]
        return row.get("value")

    def sleep(self, name, ms):
        row = self.rows.get(name)
        if row is None or (row["state"] == "open" and "due" not in row):  # A call by an operator may wake it early.
            new = {"name": name, "kind": "sleep", "state": "open", "number": next(self.numbers), "ms": ms}
            wait = {"name": name, "kind": "sleep"}
            post("/workers/nack", **self.job, requeue=True, waits=[wait], steps=[] if row else [new])
            raise Suspended(name)
        if row["state"] == "open":
            self.record(name, "sleep", number=row["number"])

    def record(self, name, kind, **outcome):
        """Commits an outcome. If an earlier execution has recorded another one, that one is returned."""
        row = {"name": name, "kind": kind, "state": "done", **outcome}
        [answer] = post("/workers/steps", worker_id=WORKER, items=[{**self.job, "steps": [row]}])["items"]
        if answer["status"] != 200:
            raise Suspended(answer)  # Another worker has the job.
        return {**row, **answer["steps"][0]}


def get(path, **query):
    return server.get(path, params=query).raise_for_status().json()


def post(path, **body):
    return server.post(path, json=body).raise_for_status().json()


def work(queues, handlers):
    while True:
        fetch = {"queues": queues, "count": 1, "worker_id": WORKER, "leases": True, "steps": True, "wait_ms": 30_000}
        for job in post("/workers/fetch", **fetch)["jobs"]:
            steps = Steps(job)
            try:
                post("/workers/ack", **steps.job, result=handlers[job["type"]](steps, *job["args"]))
            except Suspended:
                continue
            except Exception as error:
                post("/workers/nack", **steps.job, error={"type": type(error).__name__, "message": str(error)})


def pay(steps, order):
    print("the handler starts", flush=True)
    receipt = steps.step("charge", lambda key: print("charging", flush=True) or f"receipt of {order}")
    steps.sleep("cool down", 2_000)
    steps.step("ship", lambda key: print("shipping", flush=True))
    return receipt


if __name__ == "__main__":
    work(["default"], {"order.pay": pay})
