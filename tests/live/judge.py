"""One row: break a healthy bench, ask the doctor, let it fix, take it back, and judge each step."""

import json
import time
import traceback
from dataclasses import dataclass, field

import capture
import store
from doctor import Doctor

STEPS = ["bites", "cause", "evidence", "fix", "client", "kept", "undo", "as found"]
# How long a fixed gateway may take until its client gets in (a first start takes longer, but that was the bench's).
COME_UP_SECONDS = 100
GOOD, BAD, NOT_ASKED = "yes", "NO", "–"


@dataclass
class Row:
    """What became of one fault on one release."""

    release: str
    fault: str
    area: str
    ends: str = ""
    said: str = ""
    seconds: float = 0.0
    check_seconds: float = 0.0
    marks: dict = field(default_factory=lambda: dict.fromkeys(STEPS, NOT_ASKED))
    notes: list = field(default_factory=list)

    @property
    def good(self):
        return BAD not in self.marks.values() and self.marks["cause"] == GOOD

    def mark(self, step, right, note=""):
        self.marks[step] = GOOD if right else BAD
        if not right and note:
            self.notes.append(f"{step}: {note}")
        return right


def fill(text, bench):
    return text.format(state=bench.state, home=bench.home, config=bench.config, port=bench.port, unit=bench.unit,
                       host=(bench.host_id() or "")[:8] if "{host}" in text else "", laptop=bench.device_id("laptop")[:8])


def client_of(fault, bench):
    return getattr(bench, fault.client) if isinstance(fault.client, str) else (lambda: fault.client(bench))


def until_in(client, seconds):
    """Asks the client until it gets in: after a fix the gateway may have to start first."""
    end = time.monotonic() + seconds
    while True:
        ok, words = client()
        if ok or time.monotonic() > end:
            return ok, words
        time.sleep(2)


def judge(fault, bench, binary, keep):
    """Runs the row and returns it; whatever goes wrong is a bad mark with its reason, never an exception."""
    row = Row(bench.release.version, fault.id + bench.manager.suffix, fault.area, ends=fault.ends)
    started = time.monotonic()
    try:
        steps(row, fault, bench, Doctor(binary, bench), keep)
    except Exception as error:  # a row that breaks must not end the others
        row.mark("cause", False, f"the row itself failed: {error}")
        row.notes.append(traceback.format_exc(limit=4))
    finally:
        row.seconds = round(time.monotonic() - started, 1)
    return row


def steps(row, fault, bench, doctor, keep):
    bench.restore(start=fault.running)
    before = bench.store()
    fault.make(bench)
    client = client_of(fault, bench)
    if fault.bites:
        ok, words = client()
        row.mark("bites", not ok, f"the client is not locked out: {words}")
        row.notes.append(f"client before: {words[-300:]}") if not ok else None
    found = bench.show()
    keep.state(row, bench, "before")
    keep.truth(row, bench, fault)
    answer = doctor.check()
    keep.document(row, "check", answer)
    row.check_seconds = round(answer.seconds, 2)
    judge_check(row, fault, bench, answer)
    if fault.ends == "plan":
        fixed(row, fault, bench, doctor, keep, client, before, found)
    elif fault.ends == "by hand":
        by_hand(row, fault, bench, answer, client, before)


def judge_check(row, fault, bench, answer):
    row.said = answer.causes[0] if answer.causes else f"(none, exit {answer.status})"
    if not fault.causes:
        row.mark("cause", not answer.causes and answer.status == 0, f"it names {answer.causes}, exit {answer.status}")
        return
    row.mark("cause", row.said in fault.causes, f"it names {answer.causes} (exit {answer.status})")
    text = answer.text_of()
    looked_for = [fill(subject, bench) for subject in fault.subjects]
    row.mark("evidence", all(subject in text for subject in looked_for),
             f"nothing in it names {[s for s in looked_for if s not in text]}")


def fixed(row, fault, bench, doctor, keep, client, before, found):
    first = doctor.fix(*fault.options)
    keep.document(row, "fix", first)
    if not row.mark("fix", worked(fault, first) and first.document.get("transaction"), reason(first)):
        if not first.document.get("transaction"):
            return
    undo(row, fault, bench, doctor, keep)
    if row.marks["undo"] == GOOD:
        again = doctor.fix(*fault.options)
        keep.document(row, "fix-again", again)
        row.mark("fix", again.status == 0, f"the second time: {reason(again)}")
    ok, words = until_in(client, COME_UP_SECONDS)
    row.mark("client", ok, words)
    kept(row, fault, bench, before)
    as_found(row, bench, found)
    keep.state(row, bench, "after")


def worked(fault, answer):
    """Exit 0, or every plan of it applied where what remains is what the fault destroyed."""
    results = {plan.get("result") for plan in answer.document.get("plans", [])}
    return answer.status == 0 or fault.stays_lost and answer.status == 1 and results <= {"applied", "manual"}


def undo(row, fault, bench, doctor, keep):
    """Takes the fix back and asks again, before any client calls: a client changes the store."""
    back = doctor.undo()
    keep.document(row, "undo", back)
    if fault.ends_process:
        row.marks["undo"] = "ended"
        row.notes.append(f"undo: {back.words.strip()[-300:]}")
        # What it did take back, such as the start of the unit, is done again.
        keep.document(row, "fix-again", doctor.fix(*fault.options))
        return
    if back.status != 0:
        if fault.undo_may_refuse:
            row.marks["undo"] = "refused"
            row.notes.append(f"undo refused: {back.words.strip()[-300:]}")
        else:
            row.mark("undo", False, f"exit {back.status}: {back.words.strip()[-500:]}")
        return
    answer = doctor.check()
    keep.document(row, "check-after-undo", answer)
    row.mark("undo", bool(answer.causes) and answer.causes[0] == row.said,
             f"after it the doctor names {answer.causes}")


def by_hand(row, fault, bench, answer, client, before):
    """The doctor only advises: what it says is done here as a person would."""
    row.notes.append(f"advice: {answer.first.get('next')}")
    if fault.by_hand is None:
        return
    bench.advice = json.dumps(answer.document)
    fault.by_hand(bench)
    ok, words = until_in(client, COME_UP_SECONDS)
    row.mark("client", ok, words)
    kept(row, fault, bench, before)


def kept(row, fault, bench, before):
    mended = [bench.host_id() if name == "host" else bench.device_id(name) for name in fault.mended]
    words = store.lost(before, bench.store(), mended)
    row.mark("kept", not words, "; ".join(words))


def as_found(row, bench, found):
    """The unit runs as before, or runs now where it could not before; and starts with the machine as before."""
    now = bench.show()
    right = now.get("UnitFileState") == found.get("UnitFileState") and now.get("ActiveState") == "active"
    row.mark("as found", right, f"the unit was {found}, it is {now}")


def reason(answer):
    plans = json.dumps(answer.document.get("plans", []))[:1500]
    return f"exit {answer.status}: {plans if answer.document.get('plans') else answer.words.strip()[-600:]}"
