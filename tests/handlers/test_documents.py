"""What the documents show works as it stands there."""

import re
from pathlib import Path

from passes.files.offers import read_offers
from passes.files.products import read_products
from scenic_data.checking import load_spots
from scenic_data.files import read_records
from scenic_data.importing import plan
from scenic_data.reference import Reference
from tests.support.build import NOW, TODAY
from tests.support.world import World

DOCS = Path(__file__).parent.parent.parent / "docs"


async def test_the_examples_of_the_operator_guide_can_be_published(
    world: World, tmp_path: Path
) -> None:
    guide = (DOCS / "operator-guide.md").read_text(encoding="utf-8")
    product, offer = [
        block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "schema=" in block
    ]
    for name, text in (("product.yaml", product), ("offer.yaml", offer)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    system = world.system
    products = await system.terms.publishing.publish(
        read_products([tmp_path / "product.yaml"]), "operator:test", NOW
    )
    offers = await system.offers.publishing.publish(
        read_offers([tmp_path / "offer.yaml"]), "operator:test", NOW
    )
    assert products.created == ("spring-2027",)
    assert offers.created == ("emeishan-bogo-2026",)


def test_the_example_of_spots_in_the_operator_guide_can_be_imported(tmp_path: Path) -> None:
    guide = (DOCS / "operator-guide.md").read_text(encoding="utf-8")
    (example,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "part_of:" in block
    )
    (tmp_path / "spots.yaml").write_text(example, encoding="utf-8")
    made = plan(read_records(tmp_path / "spots.yaml"), load_spots(), Reference.load(), TODAY)
    assert made.created == ("emeishan-yanchu",)
    assert tuple(made.changed) == ("emeishan",)


def test_links_between_documents_lead_somewhere() -> None:
    root = DOCS.parent
    for document in [*root.glob("*.md"), *DOCS.rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"
