"""What ends soon is told by `gates list`, by `doctor`, and in the log of a server."""

from datetime import timedelta
from pathlib import Path

from server import clock
from server.embedded import running_uri
from server.mongo import Mongo
from tests.support.api import Api
from tests.support.operators import enrolled_gate
from tests.support.processes import Run, Start


async def test_a_token_that_ends_soon_is_told_everywhere(
    server: Start, scripts: Run, tmp_path: Path
) -> None:
    running = server()
    await enrolled_gate(Api(running.port), scripts)
    (listed,) = scripts("gates", "list", "--json").json
    assert listed["attention"] == ""
    assert listed["token_expires_at"] > listed["enrolled_at"]
    healthy = scripts("doctor", "--json")
    assert healthy.status == 0, healthy.out
    assert healthy.json["healthy"]

    # It enrolled 340 days ago.
    uri = running_uri(tmp_path / "var")
    assert uri is not None
    async with Mongo(uri, "bashu", "pymongo") as mongo:
        long_ago = {"enrolled_at": clock.now() - timedelta(days=340)}
        await mongo.collection("gates").update({}, {"$set": long_ago})

    warned = scripts("gates", "list", "--json")
    (listed,) = warned.json
    assert listed["attention"] == "its token ends in 25 days: renew it"
    assert f"note: {listed['gate_id']}: its token ends in 25 days" in warned.err
    ill = scripts("doctor", "--json")
    assert ill.status == 1
    faults = [each for each in ill.json["findings"] if each["level"] == "fault"]
    assert [each["what"] for each in faults] == [f"gate token {listed['gate_id']} ends"]
    assert running.stop() == 0
    again = server()
    assert again.stop() == 0
    log = (tmp_path / "server.log").read_text()
    assert log.count("1 × gate token ends soon") == 1


def test_the_doctor_says_that_the_database_does_not_answer(server: Start, scripts: Run) -> None:
    running = server()
    assert running.stop() == 0
    away = scripts("doctor", "--json", BASHU_MONGO_URI="mongodb://127.0.0.1:9/bashu")
    assert away.status == 1
    faults = [each["check"] for each in away.json["findings"] if each["level"] == "fault"]
    assert faults == ["database"]
