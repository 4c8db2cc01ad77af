"""The product in the operator guide: it can be published, and it shows every field."""

import re

from passes.files.products import ProductIn, product_schema, read_products
from tests.support.processes import PROJECT

GUIDE = (PROJECT / "docs" / "operator-guide.md").read_text(encoding="utf-8")


def example() -> str:
    """The product file in the guide."""
    found = re.search(r"```yaml\n(#[^\n]*product\.schema[^`]*)```", GUIDE)
    assert found, "the guide shows no product"
    return found[1]


def test_the_product_in_the_guide_can_be_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "spring.yaml"
    file.write_text(example(), encoding="utf-8")
    (product,) = read_products([file])
    assert product.terms.re_entry


def test_the_guide_names_every_field_of_a_product() -> None:
    fields = set(re.findall(r'"(\w+)": \{', product_schema())) & set(_all_fields())
    products = GUIDE.partition("## Offers")[0]
    missing = sorted(each for each in fields if not re.search(rf"\b{each}\b", products))
    assert missing == ["example"], "a mark of what the system brings with it"


def _all_fields() -> list[str]:
    """The names of the fields of a product and of all its parts."""
    schema = ProductIn.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    return [name for part in parts for name in part.get("properties", {})]
