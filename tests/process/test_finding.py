"""An operator at the phone: finds somebody, looks at everything, and it is known who looked."""

import getpass

from tests.support.build import HOLDER
from tests.support.fields import assert_fields
from tests.support.operators import EXAMPLE_PASS, issue
from tests.support.processes import Run

ME = f"operator:{getpass.getuser()}"
NAME, NUMBER = ("--name", HOLDER.name), ("--id-number", HOLDER.number)


def test_somebody_on_the_phone_has_a_name_and_an_id_number(commands: Run) -> None:
    pass_id = issue(commands).json["pass_id"]
    commands("visitors", "join", *NAME, *NUMBER, "--group", "union:emei")
    for means in (NAME, NUMBER, (*NAME, *NUMBER), ("--union", "emei"), (*NAME, "--union", "emei")):
        found = commands("passes", "find", *means, "--state", "active", "--json").json
        assert [each["pass_id"] for each in found["passes"]] == [pass_id], means
    (told,) = found["passes"]
    assert_fields(told, holder="测** 110***********002X", same_name=True)
    for nobody in (("--name", "测试丙"), ("--phone", "13800000000"), ("--union", "wu")):
        assert commands("passes", "find", *nobody, "--json").json == {"passes": [], "more": False}
    as_table = commands("passes", "find", *NUMBER)
    assert pass_id in as_table.out
    assert HOLDER.name not in as_table.out
    assert HOLDER.number not in as_table.out

    shown = commands("passes", "show", pass_id, "--json").json
    assert_fields(shown, product=EXAMPLE_PASS, origin="1101", visits=0, marks=[], cases=[])
    assert [event["what"] for event in shown["story"]] == ["issue"], "nothing else happened to it"
    looked = commands("audit", "about", pass_id, "--json").json["lines"]
    actions = [line["action"] for line in looked if line["by"] == ME]
    assert actions == ["issue", *["find"] * 6, "show", "read_audit"]
    mine = commands("audit", "by", getpass.getuser(), "--limit", "3", "--json").json["lines"]
    assert [line["action"] for line in mine] == ["show", "read_audit", "read_audit"]
    assert HOLDER.number not in str(looked)
    assert commands("audit", "about", pass_id, "--until", "2020-01-01", "--json").json == {
        "lines": []
    }


def test_what_names_nobody_is_refused(commands: Run) -> None:
    for wrong, status in (
        ((), 2),
        ((*NUMBER, "--phone", "13800000000"), 2),
        (("--product", EXAMPLE_PASS), 2),
        (("--phone", "12"), 1),
        (("--name", "?"), 1),
        (("--id-number", HOLDER.number[:-1] + "1"), 1),
    ):
        done = commands("passes", "find", *wrong, "--json")
        assert done.status == status, wrong
        assert HOLDER.number not in done.out + done.err
    assert commands("visitors", "show", *NUMBER).status == 1
    assert commands("visitors", "show").status == 2


def test_products_and_offers_are_shown_with_their_rules(commands: Run) -> None:
    product = commands("products", "show", EXAMPLE_PASS, "--json").json
    assert_fields(product, id=EXAMPLE_PASS, version=1, versions=[{"version": 1, "number": 1}])
    assert "emeishan" in product["spots"]
    assert product["rules"]
    assert commands("products", "show", EXAMPLE_PASS, "--version", "9").status == 1
    offer = commands("offers", "show", "emeishan-bogo-example", "--json").json
    quotas = {each["quota"]: (each["limit"], each["used"]) for each in offer["quotas"]}
    assert quotas == {"total": (1200, 0), "per_day": (20, 0)}
    assert offer["benefit"] == "buy_one_get_one"
    assert commands("offers", "show", "nothing").status == 1
