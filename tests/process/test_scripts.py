async def test_a_new_epoch_withdraws_the_token_of_an_enrolled_gate(
    server: Start, scripts: Run
) -> None:
    """As it has to after a backup was restored, which brings back tokens that were withdrawn."""
    running = await asyncio.to_thread(server)
    api = Api(running.port)
    token = await enrolled_gate(api, scripts, kind="handheld")
    api.close()
    assert await asyncio.to_thread(running.stop) == 0

    begun = scripts("keys", "new-epoch", "--json")
    assert begun.json["epoch"] == 1
    assert len(begun.json["gates_to_renew"]) == 1

    running = await asyncio.to_thread(server)
    api = Api(running.port)
    scan = {"code": "BP1:", "nonce": "1", "scanned_at": "2026-07-01T02:00:00Z"}
    answer = await api.post("/api/v1/gate/scans", scan, token=token)
    assert answer.status == 401
    assert answer.json["code"] == "token_invalid"
    api.close()
